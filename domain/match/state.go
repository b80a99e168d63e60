package match

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/daybook-engine/daybook/domain"
)

// An Event is a fact about one match.
type Event interface{ evolve(State) State }

// A Phase is how far a match has come.
type Phase string

const (
	None       Phase = ""
	Proposal   Phase = "proposed"
	Off        Phase = "declined"
	Active     Phase = "made"
	Unwinding  Phase = "unwound"
	Complete   Phase = "completed"
	EndedEarly Phase = "ended early"
)

// Over tells a phase from which nothing more is expected.
func (p Phase) Over() bool {
	return p == Off || p == Unwinding || p == Complete || p == EndedEarly
}

// Unmade tells the phase of a match that isn't made, or never was.
func (p Phase) Unmade() bool { return p == Proposal || p == Off }

// State is what the rules remember.
type State struct {
	phase      Phase
	pair       Pair
	previous   string
	terms      Terms
	made       time.Time
	ended      time.Time // unwound, ended or completed; zero: not yet, or not said
	accepted   []string  // sides
	dated      int       // of those: so many said when
	acceptedAt time.Time // the later of what they said
	signed     []string  // sides that signed the terms' version
	signedAt   time.Time // the later of those
	inForce    time.Time // zero: not yet
	contacted  bool
	met        bool // while they were matched
	overdue    bool
	contactDue time.Time
	calendar   string
	sessions   []session // in the order in which they were first heard of
	filed      []filed
}

type session struct {
	n        int
	slot     Slot
	status   string // scheduled, cancelled, missed, held, retracted
	sequence int
	held     SessionHeld
}

type filed struct {
	side, kind string
	session    int
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Phase tells how far the match has come.
func (s State) Phase() Phase { return s.phase }

// Pair tells who is matched.
func (s State) Pair() Pair { return s.pair }

// Terms are what the match goes by to its end.
func (s State) Terms() Terms { return s.terms }

// InForce is from when the agreement binds both; zero while it does not.
func (s State) InForce() time.Time { return s.inForce }

// ContactDue is by when first contact is to be made that is still awaited; zero
// when none is. Who has met has been in contact.
func (s State) ContactDue() time.Time {
	if s.phase != Active || s.contacted || s.overdue || s.met {
		return time.Time{}
	}
	return s.contactDue
}

// agreed is since when two are matched who both accepted.
func (s State) agreed(now time.Time) time.Time {
	switch {
	case s.phase == Active:
		return s.made
	case s.dated == len(s.accepted):
		return s.acceptedAt
	}
	return now
}

// Party is the person of a side, "" for neither.
func (s State) Party(side string) domain.Person {
	switch side {
	case Mentee:
		return s.pair.Mentee
	case Mentor:
		return s.pair.Mentor
	}
	return ""
}

// Subjects are the people every event of the stream is about.
func (s State) Subjects() []domain.Person {
	if s.phase == None {
		return nil
	}
	return []domain.Person{s.pair.Mentee, s.pair.Mentor}
}

// session finds a session by its number.
func (s State) session(n int) (session, bool) {
	for _, x := range s.sessions {
		if x.n == n {
			return x, true
		}
	}
	return session{}, false
}

// At is the session that is planned or was held at an instant, or was called off
// for it, and as when that is written; 0 where none is.
func (s State) At(start time.Time) (n int, slot Slot) {
	for _, x := range s.sessions {
		at, _ := s.Slot(x.n)
		off := x.status == "cancelled" || x.status == "missed"
		if at.Start.Equal(start) && (x.stands() || off && n == 0) {
			if n, slot = x.n, at; !off {
				return n, slot
			}
		}
	}
	return n, slot
}

// Slot is when a session is planned, was held, or was to be before it was called
// off.
func (s State) Slot(n int) (Slot, bool) {
	x, known := s.session(n)
	if x.recorded() {
		return x.held.Slot, known
	}
	return x.slot, known
}

// once is ErrTwice where another session of the match was held at the same time,
// or is planned for it; which two are, of an earlier log, may be held.
func (s State) once(n int, start time.Time) error {
	own, _ := s.session(n)
	planned := own.stands() && own.slot.Start.Equal(start)
	for _, x := range s.sessions {
		if slot, _ := s.Slot(x.n); x.n != n && x.stands() && slot.Start.Equal(start) && (x.status == "held" || !planned) {
			return ErrTwice.Because(fmt.Sprintf("session %d", x.n))
		}
	}
	return nil
}

// Held is the record of a session; retracted tells that it was a mistake.
func (s State) Held(n int) (record SessionHeld, retracted bool) {
	x, _ := s.session(n)
	return x.held, x.recorded() && x.status != "held"
}

// Mistaken tells whether a record was retracted of a session of this number, or at
// this time, or of one that was planned for it.
func (s State) Mistaken(n int, start time.Time) bool {
	return slices.ContainsFunc(s.sessions, func(x session) bool {
		return x.recorded() && x.status != "held" && (x.n == n || x.held.Start.Equal(start) || x.slot.Start.Equal(start))
	})
}

// ahead tells whether a session is yet to be held, or called off: it is scheduled,
// or was when it was recorded by mistake.
func (x session) ahead() bool {
	return x.status == "scheduled" || x.status == "retracted" && !x.slot.Start.IsZero()
}

// stands tells that a session is planned or was held.
func (x session) stands() bool { return x.status == "scheduled" || x.status == "held" }

// recorded tells whether there is a record of a session, also where it was
// retracted.
func (x session) recorded() bool { return x.held.Session != 0 }

// Next is the first number after those of all sessions heard of.
func (s State) Next() int {
	n := 1
	for _, x := range s.sessions {
		n = max(n, x.n+1)
	}
	return n
}

// number is that of a session which was held and has none said: of the one that
// has this time, or a new one. It is ErrWhich where it may have been one that was
// planned for another time, and ErrRetracted where the record of one at this time
// was, or of one that was planned for it.
func (s State) number(start, now time.Time) (int, error) {
	if n, _ := s.At(start); n > 0 {
		return n, nil
	}
	if s.Mistaken(0, start) {
		return 0, ErrRetracted
	}
	var perhaps []string
	for _, x := range s.sessions {
		if x.status == "scheduled" && !x.slot.Start.After(now) {
			perhaps = append(perhaps, fmt.Sprintf("%d if it was the one planned for %s %s", x.n, x.slot.Local, x.slot.Zone))
		}
	}
	if perhaps != nil {
		return 0, ErrWhich.Because(fmt.Sprintf("%s, %d if it was another", strings.Join(perhaps, ", "), s.Next()))
	}
	return s.Next(), nil
}

func (s State) withSession(x session) State {
	s.sessions = slices.Clone(s.sessions)
	for i, old := range s.sessions {
		if old.n == x.n {
			s.sessions[i] = x
			return s
		}
	}
	s.sessions = append(s.sessions, x)
	return s
}

// planned counts the sessions that take up the plan: neither cancelled nor
// missed.
func (s State) planned() int {
	n := 0
	for _, x := range s.sessions {
		if x.stands() {
			n++
		}
	}
	return n
}

// conforming lists the numbers of the held sessions that conform.
func (s State) conforming() []int {
	var list []int
	for _, x := range s.sessions {
		if x.status == "held" && len(x.held.Nonconformities) == 0 {
			list = append(list, x.n)
		}
	}
	return list
}

// Reflected tells whether somebody has reflected on a session.
func (s State) Reflected(n int) bool {
	return s.hasFiled(Mentee, "session", n) || s.hasFiled(Mentor, "session", n)
}

func (s State) hasFiled(side, kind string, session int) bool {
	return slices.Contains(s.filed, filed{side, kind, session})
}

func (e Proposed) evolve(s State) State {
	s.phase, s.pair, s.previous, s.terms = Proposal, e.Pair, e.Previous, e.Terms
	return s
}

func (e Accepted) evolve(s State) State {
	s.accepted = append(slices.Clip(s.accepted), e.Side)
	if !e.At.IsZero() {
		s.dated++
	}
	if e.At.After(s.acceptedAt) {
		s.acceptedAt = e.At
	}
	return s
}

func (Declined) evolve(s State) State { s.phase = Off; return s }

func (e Made) evolve(s State) State {
	s.phase, s.made, s.contactDue, s.calendar = Active, e.Made, e.ContactDue, e.Calendar
	return s
}

func (e Unwound) evolve(s State) State { s.phase, s.ended = Unwinding, e.At; return s }

func (e AgreementSigned) evolve(s State) State {
	if e.Version == s.terms.Agreement {
		s.signed = append(slices.Clip(s.signed), e.Side)
		if e.Signed.After(s.signedAt) {
			s.signedAt = e.Signed
		}
	}
	return s
}

func (e AgreementInForce) evolve(s State) State { s.inForce = e.From; return s }
func (ContactMade) evolve(s State) State        { s.contacted = true; return s }
func (ContactOverdue) evolve(s State) State     { s.overdue = true; return s }

func (e SessionScheduled) evolve(s State) State {
	return s.withSession(session{n: e.Session, slot: e.Slot, status: "scheduled"})
}

func (e SessionRescheduled) evolve(s State) State {
	return s.withSession(session{n: e.Session, slot: e.Now, status: "scheduled", sequence: e.Sequence})
}

func (e SessionCancelled) evolve(s State) State { return s.settle(e.Session, "cancelled") }
func (e SessionMissed) evolve(s State) State    { return s.settle(e.Session, "missed") }

func (s State) settle(n int, status string) State {
	x, _ := s.session(n)
	x.n, x.status = n, status
	return s.withSession(x)
}

func (e SessionHeld) evolve(s State) State {
	x, _ := s.session(e.Session)
	x.n, x.status, x.held = e.Session, "held", e
	s.met = s.met || s.phase == Active
	return s.withSession(x)
}

func (e SessionCorrected) evolve(s State) State { return SessionHeld(e).evolve(s) }
func (e SessionRetracted) evolve(s State) State { return s.settle(e.Session, "retracted") }

func (e ReflectionFiled) evolve(s State) State {
	s.filed = append(slices.Clip(s.filed), filed{e.Side, e.Kind, e.Session})
	return s
}

func (e Completed) evolve(s State) State      { s.phase, s.ended = Complete, e.At; return s }
func (CompletionWaived) evolve(s State) State { return s }
func (e Ended) evolve(s State) State          { s.phase, s.ended = EndedEarly, e.At; return s }
