package web

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/projections"
)

// applicationPage is one person's file: what was sent, by when, who judged it
// and on what, and every event of it.
type applicationPage struct {
	frame
	Heading   string
	State     string
	Next      []taskLine
	Rows      []row
	Answers   []answerLine
	Reviews   []reviewLine
	Decisions []decisionLine
	Tasks     []row
	Events    []eventLine
	More      string
	Can       []stepLine
}

// An answerLine is a question of the form, and what was answered: the best
// first, where it is ranked.
type answerLine struct {
	Question string
	Texts    []string
}

type reviewLine struct {
	Reviewer       string
	Dates          []row
	Scores         []row
	Recommendation string
	Notes          []string // conflict, recusal, refused reads
}

type decisionLine struct {
	Verdict string
	Why     string
	At      instant
	By      string
	On      string // the reviews and answers it rests on
}

func (s *Server) showApplication(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("key")
	a, err := s.views.Application(r.Context(), key) // which cycle it belongs to
	if err != nil {
		return err
	}
	v, err := s.visit(r, a.Cycle)
	if err != nil {
		return err
	}
	defer v.close()
	title, began := "Application · "+a.Cycle, a.StartedAt
	if a, err = v.views.Application(v.ctx, key); err != nil {
		return v.then(err, title, "the application was begun", began)
	}
	p := applicationPage{frame: v.frame(title, "Applications"), Heading: "Application of " + v.name(a.Person), State: capital(a.State())}
	erasures, err := v.erasures(a.Person)
	if err != nil {
		return err
	}
	p.Rows = slices.Concat(v.applicationRows(a), v.addresses(a.Person), erasures)
	if p.Answers, err = v.answerLines(a); err != nil {
		return err
	}
	for _, r := range a.Reviews {
		p.Reviews = append(p.Reviews, v.reviewLine(r))
	}
	for _, d := range a.Decisions {
		p.Decisions = append(p.Decisions, v.decisionLine(d))
	}
	for _, t := range a.Next {
		p.Next = append(p.Next, v.taskLine(t))
	}
	if p.Tasks, err = v.tasksOf("application-" + key); err != nil {
		return err
	}
	offered := []Offer{{Known: said("cycle", a.Cycle, "call", a.Call, "person", string(a.Person))}}
	if p.Can, err = v.canWith(offered, "application-"+key); err != nil {
		return err
	}
	// Permits and places are in other streams: what happened is what is about
	// the person.
	if p.Events, p.More, err = v.eventsOf(projections.HistoryFilter{Cycle: a.Cycle, Subject: a.Person}, "person", string(a.Person)); err != nil {
		return err
	}
	return s.render(w, http.StatusOK, "application", p)
}

func (v *visit) applicationRows(a projections.Application) []row {
	rows := []row{{Key: "Call", Value: text(a.Call)}, {Key: "Begun", At: v.instant(a.StartedAt)}}
	add := func(is bool, r row) {
		if is {
			rows = append(rows, r)
		}
	}
	add(!a.ExpiredAt.IsZero(), row{Key: "Draft expired", At: v.instant(a.ExpiredAt)})
	add(!a.ReceivedAt.IsZero(), row{Key: "Received", At: v.instant(a.ReceivedAt), Note: v.verdict(a)})
	add(a.Form != "", row{Key: "Form", Value: text("version " + a.Form)})
	add(len(a.Answers) > 0, row{Key: "Answers", Value: text(plural(len(a.Answers), "answer", "answers")), Note: "hash " + short(string(a.AnswersHash))})
	for _, r := range a.Refusals {
		note := inWords(r.Code)
		if len(r.Missing) > 0 {
			note += ": " + listed(r.Missing)
		}
		add(true, row{Key: "Refused attempt", At: v.instant(r.ReceivedAt), Note: note})
	}
	add(!a.Permit.IsZero(), row{Key: "Permitted until", At: v.instant(a.Permit)})
	add(a.Nomination.Route != "", v.putForward(a.Nomination))
	add(!a.Nomination.Due.IsZero(), row{Key: "Proof due", At: v.instant(a.Nomination.Due)})
	add(!a.Nomination.ReceivedAt.IsZero(), row{Key: "Proof received", At: v.instant(a.Nomination.ReceivedAt)})
	add(!a.Nomination.LapsedAt.IsZero(), row{Key: "Nomination lapsed", At: v.instant(a.Nomination.LapsedAt)})
	if e := a.Eligibility; !e.At.IsZero() {
		verdict := "eligible: " + listed(e.Criteria)
		if !e.Eligible {
			verdict = "not eligible: " + listed(e.Failed)
		}
		add(true, row{Key: "Screened", At: v.instant(e.At), Note: verdict + ", by " + v.actor(e.By)})
	}
	add(!a.WithdrawnAt.IsZero(), row{Key: "Withdrawn", At: v.instant(a.WithdrawnAt)})
	add(!a.RetractedAt.IsZero(), row{Key: "Retracted", At: v.instant(a.RetractedAt), Note: "recorded by mistake"})
	add(!a.Offer.MadeAt.IsZero(), row{Key: "Offer made", At: v.instant(a.Offer.MadeAt)})
	add(!a.Offer.ReplyBy.IsZero(), row{Key: "To answer by", At: instantIn(a.Offer.ReplyBy, location(a.Offer.Zone))})
	add(!a.Offer.AnsweredAt.IsZero(), row{Key: "Answered", At: v.instant(a.Offer.AnsweredAt), Note: string(a.Offer.Answer)})
	add(!a.Released.IsZero(), row{Key: "Reserve released", At: v.instant(a.Released), Note: "no place came free"})
	return rows
}

// putForward is who did, and by which way.
func (v *visit) putForward(n projections.Nomination) row {
	r := row{Key: "Put forward", Value: text("as " + inWords(n.Route))}
	if n.Organisation != "" {
		r.Value.Text = "by " + v.organisation(n.Organisation) + ", " + r.Value.Text
	}
	return r
}

// verdict is how the submission stood to the deadline in force.
func (v *visit) verdict(a projections.Application) string {
	words := "in time for the deadline "
	if a.Late {
		words = "late, by permission, after the deadline "
	}
	return words + deadline(a.Deadline)
}

// answerLines are the answers by question, as the form puts it whose version was
// answered: the cycle may have moved to another since.
func (v *visit) answerLines(a projections.Application) (lines []answerLine, err error) {
	labels := map[string]string{}
	hashes := []domain.Digest{v.cycle.VersionAt(a.ReceivedAt)}
	for _, x := range v.cycle.Versions { // it may have been keyed in after a move
		hashes = append(hashes, x.Definition)
	}
	for _, hash := range hashes {
		d, err := v.views.Definition(v.ctx, hash)
		if err != nil && !errors.Is(err, domain.NotFound) {
			return nil, err
		}
		c, ok := d.Call(a.Call)
		if !ok || c.Form.Version != a.Form {
			continue
		}
		for _, f := range c.Form.Fields {
			labels[f.Field] = f.Label
		}
		break
	}
	for i, x := range a.Answers {
		if i == 0 || a.Answers[i-1].Field != x.Field {
			lines = append(lines, answerLine{Question: cmp.Or(labels[x.Field], capital(inWords(x.Field)))})
		}
		last := &lines[len(lines)-1]
		last.Texts = append(last.Texts, v.written(x.Text))
	}
	return lines, nil
}

func (v *visit) reviewLine(r projections.Review) reviewLine {
	l := reviewLine{Reviewer: v.name(r.Reviewer), Recommendation: inWords(r.Recommendation)}
	for _, d := range []row{{Key: "asked", At: v.instant(r.AssignedAt)}, {Key: "opened", At: v.instant(r.OpenedAt)}, {Key: "recorded", At: v.instant(r.RecordedAt)}} {
		if d.At.UTC != "" {
			l.Dates = append(l.Dates, d)
		}
	}
	for _, s := range r.Scores {
		l.Scores = append(l.Scores, row{Key: capital(inWords(s.Criterion)) + ": " + grouping(int64(s.Value)), Value: text(v.written(s.Justification))})
	}
	if r.Conflict != "" {
		l.Notes = append(l.Notes, "conflict of interest: "+inWords(r.Conflict))
	}
	if !r.RecusedAt.IsZero() {
		l.Notes = append(l.Notes, "recused")
	}
	for _, x := range r.Refused {
		l.Notes = append(l.Notes, "refused "+x.Command+": "+inWords(x.Code))
	}
	return l
}

func (v *visit) decisionLine(d projections.Decision) decisionLine {
	l := decisionLine{Verdict: capital(string(d.Verdict)), Why: v.written(d.Rationale), At: v.instant(d.At), By: v.actor(d.By)}
	if d.Rank > 0 {
		l.Verdict += ", rank " + grouping(int64(d.Rank))
	}
	for i, reviewer := range d.Reviews {
		if i == 0 {
			l.On = "reviews by "
		} else {
			l.On += ", "
		}
		l.On += v.name(domain.Person(reviewer))
	}
	if d.AnswersHash != "" {
		l.On += "; answers " + short(string(d.AnswersHash))
	}
	return l
}
