package projections

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/match"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

// A Match is two people working together, as the match board shows it.
type Match struct {
	Match     string          `json:"match"`
	Cycle     string          `json:"cycle"`
	Stream    string          `json:"stream"`
	Mentee    domain.Person   `json:"mentee"`
	Mentor    domain.Person   `json:"mentor"`
	Previous  string          `json:"previous,omitempty"` // the match that this one replaces
	Rationale *domain.Private `json:"rationale,omitempty"`
	Phase     match.Phase     `json:"phase"`

	ProposedAt time.Time `json:"proposed_at,omitzero"`
	MadeAt     time.Time `json:"made_at,omitzero"`
	OverAt     time.Time `json:"over_at,omitzero"`
	Reason     string    `json:"reason,omitempty"`   // the code why it is over
	NoFault    bool      `json:"no_fault,omitempty"` // unwound, and nobody's fault
	Declined   string    `json:"declined,omitempty"` // the side that declined

	Accepted   []Signature `json:"accepted,omitempty"`
	Agreement  string      `json:"agreement,omitempty"` // the version it goes by
	Signed     []Signature `json:"signed,omitempty"`
	InForceAt  time.Time   `json:"in_force_at,omitzero"`
	ContactDue time.Time   `json:"contact_due,omitzero"`
	Told       when.Told   `json:"told,omitzero"` // of contact_due
	ContactAt  time.Time   `json:"contact_at,omitzero"`
	OverdueAt  time.Time   `json:"overdue_at,omitzero"` // when contact was marked overdue

	Sessions    []Session    `json:"sessions,omitempty"` // by number
	Reflections []Reflection `json:"reflections,omitempty"`

	Plan       programme.Sessions   `json:"plan"`
	Reflect    programme.Reflection `json:"reflect"`
	Rule       programme.Completion `json:"rule"`
	Attended   []match.Attended     `json:"-"`                // where completion asks for it; added when it is asked for
	Basis      string               `json:"basis,omitempty"`  // of completion: rule, waiver
	Waived     string               `json:"waived,omitempty"` // what was unmet
	Zone       string               `json:"zone"`
	Met        bool                 `json:"met,omitempty"` // while they were matched
	Conforming int                  `json:"conforming"`    // sessions held that conform
	Health     string               `json:"health"`        // where it stands, in words
}

// A Signature is one side's word, and when it was given.
type Signature struct {
	Side string    `json:"side"`
	At   time.Time `json:"at"`
}

// A Session is one meeting of a match, planned or held.
type Session struct {
	Session         int          `json:"session"`
	Slot            match.Slot   `json:"slot"`             // when held, the time it was held
	Planned         match.Slot   `json:"planned,omitzero"` // as last scheduled
	Status          string       `json:"status"`           // scheduled, cancelled, missed, held
	Minutes         int          `json:"minutes,omitempty"`
	Nonconformities []string     `json:"nonconformities,omitempty"`
	ReflectionsDue  []string     `json:"reflections_due,omitempty"` // sides
	Sequence        int          `json:"sequence,omitempty"`        // counts the reschedules
	Earlier         []match.Slot `json:"earlier,omitempty"`         // before the reschedules
	CalledOff       bool         `json:"called_off,omitempty"`      // cancelled, missed with notice, or retracted, whatever was held after all
	MissedBy        string       `json:"missed_by,omitempty"`       // side
	Notice          bool         `json:"notice,omitempty"`
	RecordedAt      time.Time    `json:"recorded_at,omitzero"` // what the status says
	CorrectedAt     time.Time    `json:"corrected_at,omitzero"`
}

// A Reflection was filed by one side; its words are in the vault, or stay with
// who wrote them.
type Reflection struct {
	Side    string         `json:"side"`
	Kind    string         `json:"kind"` // session, final
	Session int            `json:"session,omitempty"`
	Words   int            `json:"words"`
	Text    domain.Private `json:"text,omitzero"`
	SHA256  string         `json:"sha256,omitempty"`
	At      time.Time      `json:"at"`
}

// Late tells whether a session was written down well after it was held.
func (s Session) Late() bool { return s.Status == "held" && s.RecordedAt.Sub(s.Slot.Start) > lateEntry }

// Held lists the sessions that were held.
func (m Match) Held() []Session {
	var list []Session
	for _, s := range m.Sessions {
		if s.Status == "held" {
			list = append(list, s)
		}
	}
	return list
}

// Minutes are those of the sessions held.
func (m Match) Minutes() int {
	n := 0
	for _, s := range m.Held() {
		n += s.Minutes
	}
	return n
}

// ReflectionsDue lists the held sessions on which a side has to reflect, and
// ReflectionsOpen those on which it hasn't yet.
func (m Match) ReflectionsDue(side string) []int {
	var list []int
	for _, s := range m.Held() {
		if slices.Contains(s.ReflectionsDue, side) {
			list = append(list, s.Session)
		}
	}
	return list
}

// ReflectionsOpen lists the held sessions on which a side still has to
// reflect: on none once the match is over, when tasks about it are withdrawn.
func (m Match) ReflectionsOpen(side string) []int {
	if m.Phase.Over() {
		return nil
	}
	return slices.DeleteFunc(m.ReflectionsDue(side), func(n int) bool { return m.filed(side, "session", n) })
}

// ReflectionsFiled counts what a side filed on sessions; the final one is
// told by FinalFiled.
func (m Match) ReflectionsFiled(side string) int {
	n := 0
	for _, r := range m.Reflections {
		if r.Side == side && r.Kind == "session" {
			n++
		}
	}
	return n
}

// FinalFiled tells whether a side filed its final reflection.
func (m Match) FinalFiled(side string) bool { return m.filed(side, "final", 0) }

func (m Match) filed(side, kind string, session int) bool {
	return slices.ContainsFunc(m.Reflections, func(r Reflection) bool {
		return r.Side == side && r.Kind == kind && r.Session == session
	})
}

// Unmet says what the completion rule still wants; empty when it is met.
func (m Match) Unmet() string {
	var list []string
	if m.Conforming < m.Rule.ConformingSessions {
		list = append(list, fmt.Sprintf("%d of %d conforming sessions", m.Conforming, m.Rule.ConformingSessions))
	}
	for _, side := range m.Rule.FinalReflections {
		if !m.FinalFiled(side) {
			list = append(list, "no final reflection by the "+side)
		}
	}
	return strings.Join(append(list, match.Evidence{Attended: m.Attended}.Unmet(m.Rule)...), ", ")
}

func hasSigned(list []Signature, side string) bool {
	return slices.ContainsFunc(list, func(s Signature) bool { return s.Side == side })
}

// health says in words where the match stands, what is most pressing first.
func (m *Match) health() string {
	switch {
	case m.Phase == match.Proposal:
		return "waiting to be accepted"
	case m.Phase == match.Complete && m.Basis == "waiver":
		return "completed by waiver: " + m.Waived
	case m.Phase != match.Active:
		return string(m.Phase)
	case !m.OverdueAt.IsZero() && m.ContactAt.IsZero():
		return "first contact overdue"
	case m.InForceAt.IsZero():
		return "agreement not in force"
	case m.Unmet() == "":
		return "can be completed"
	}
	return "under way: " + m.Unmet()
}

func (m *Match) columns() (string, string, time.Time, bool) {
	return m.Cycle, string(m.Phase), time.Time{}, true
}

func (m *Match) session(n int) *Session {
	i, found := slices.BinarySearchFunc(m.Sessions, n, func(s Session, n int) int { return s.Session - n })
	if !found {
		m.Sessions = slices.Insert(m.Sessions, i, Session{Session: n})
	}
	return &m.Sessions[i]
}

const matchesIndexes = `
CREATE INDEX IF NOT EXISTS matches_cycle ON matches (cycle, phase);
`

//go:embed matches.sql
var matchesSQL string

var matches = Projection{
	Name: "matches", Schema: matchesSQL, Documents: []row{&Match{}}, Indexes: matchesIndexes, Apply: applyMatches,
	Names: []string{
		"match.proposed", "match.accepted", "match.declined", "match.made", "match.unwound", "agreement.signed",
		"agreement.in_force", "contact.made", "contact.overdue", "session.scheduled", "session.rescheduled",
		"session.cancelled", "session.missed", "session.held", "session.corrected", "session.retracted", "reflection.filed",
		"match.completed", "completion.waived", "match.ended",
	},
}

func applyMatches(tx *Tx, e *Event) error {
	_, key, _ := strings.Cut(e.Stream, "-") // "<cycle>.<match>"
	m, err := change[Match](tx, "matches", key)
	if err != nil {
		return err
	}
	m.Stream = e.Stream
	m.Cycle, m.Match, _ = strings.Cut(key, ".")
	at, recorded := e.Envelope.OccurredAt, e.Envelope.RecordedAt
	over := func(p match.Phase) { m.Phase, m.OverAt, m.Reason = p, at, e.Envelope.Reason }
	held := func(b match.SessionHeld) *Session {
		s := m.session(b.Session)
		s.Slot, s.Status, s.Minutes, s.Nonconformities, s.ReflectionsDue = b.Slot, "held", b.Minutes, b.Nonconformities, b.ReflectionsDue
		return s
	}
	settle := func(n int, status string) *Session {
		s := m.session(n)
		s.Status, s.RecordedAt = status, recorded
		return s
	}
	switch b := e.Body.(type) {
	case match.Proposed:
		m.Mentee, m.Mentor, m.Previous, m.Rationale = b.Mentee, b.Mentor, b.Previous, &b.Rationale
		m.Plan, m.Reflect, m.Rule, m.Agreement, m.Zone = b.Terms.Sessions, b.Terms.Reflections, b.Terms.Completion, b.Terms.Agreement, b.Terms.Zone
		m.Phase, m.ProposedAt = match.Proposal, at
	case match.Accepted:
		m.Accepted = append(m.Accepted, Signature{b.Side, at})
	case match.Declined:
		over(match.Off)
		m.Declined = b.Side
	case match.Made:
		m.Mentee, m.Mentor, m.Previous = b.Mentee, b.Mentor, b.Previous
		m.Phase, m.MadeAt, m.ContactDue, m.Told = match.Active, at, b.ContactDue, b.Told
	case match.Unwound:
		over(match.Unwinding)
		m.NoFault = b.NoFault
	case match.AgreementSigned:
		m.Signed = append(m.Signed, Signature{b.Side, at})
	case match.AgreementInForce:
		m.InForceAt = at
	case match.ContactMade:
		m.ContactAt = at
	case match.ContactOverdue:
		m.OverdueAt = at
	case match.SessionScheduled:
		s := settle(b.Session, "scheduled")
		s.Slot, s.Planned = b.Slot, b.Slot
	case match.SessionRescheduled:
		s := settle(b.Session, "scheduled")
		s.Slot, s.Planned, s.Sequence, s.Earlier = b.Now, b.Now, b.Sequence, append(s.Earlier, b.Was)
	case match.SessionCancelled:
		settle(b.Session, "cancelled").CalledOff = true
	case match.SessionMissed:
		s := settle(b.Session, "missed")
		s.MissedBy, s.Notice, s.CalledOff = b.Side, b.Notice, b.Notice
	case match.SessionHeld:
		held(b).RecordedAt = recorded
		m.Met = m.Met || m.Phase == match.Active
	case match.SessionCorrected:
		held(match.SessionHeld(b)).CorrectedAt = recorded
	case match.SessionRetracted:
		s := held(match.SessionHeld{Session: b.Session, Slot: b.Slot})
		s.Status, s.CorrectedAt, s.CalledOff = "retracted", recorded, true
	case match.ReflectionFiled:
		m.Reflections = append(m.Reflections, Reflection{b.Side, b.Kind, b.Session, b.Words, b.Text, b.SHA256, at})
	case match.Completed:
		over(match.Complete)
		m.Basis = b.Basis
	case match.CompletionWaived:
		m.Waived = b.Unmet
	case match.Ended:
		over(match.EndedEarly)
	}
	m.Conforming = 0
	for _, s := range m.Sessions {
		if s.Status == "held" && len(s.Nonconformities) == 0 {
			m.Conforming++
		}
	}
	m.Health = m.health()
	return nil
}

// Matches is the match board of a cycle, by the matches' names.
func (v *Views) Matches(ctx context.Context, cycle string) (list []Match, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err = matchesOf(conn, cycle)
		return err
	})
	return list, err
}

// Match finds one match of a cycle.
func (v *Views) Match(ctx context.Context, cycle, name string) (m Match, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		list, err := bodies[Match](conn, "SELECT body FROM matches WHERE key = ?", cycle+"."+name)
		if err == nil && len(list) == 0 {
			err = match.ErrUnknown.Because(name)
		}
		if err == nil {
			err = attended(conn, list)
			m = list[0]
		}
		return err
	})
	return m, err
}

func matchesOf(conn *sqlite.Conn, cycle string) ([]Match, error) {
	list, err := bodies[Match](conn, "SELECT body FROM matches WHERE cycle = ? ORDER BY key", cycle)
	if err == nil {
		err = attended(conn, list)
	}
	return list, err
}
