package web

import (
	"net/http"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/projections"
)

// applicationPage is one person's file: what was sent, by when, who judged it
// and on what, and every event of it.
type applicationPage struct {
	frame
	State     string
	Next      []taskLine
	Rows      []row
	Reviews   []reviewLine
	Decisions []decisionLine
	Events    []eventLine
	More      string
}

type reviewLine struct {
	Reviewer       string
	Asked          instant
	Opened         instant
	Recorded       instant
	Scores         string
	Recommendation string
	Notes          []string // conflict, recusal, refused reads
}

type decisionLine struct {
	Verdict string
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
	title, began := "Application of "+v.name(a.Person), a.StartedAt
	if a, err = v.views.Application(v.ctx, key); err != nil {
		return v.then(err, title, "the application was begun", began)
	}
	p := applicationPage{frame: v.frame(title, "Applications"), State: capital(a.State())}
	erasures, err := v.erasures(a.Person)
	if err != nil {
		return err
	}
	p.Rows = append(v.applicationRows(a), erasures...)
	for _, r := range a.Reviews {
		p.Reviews = append(p.Reviews, v.reviewLine(r))
	}
	for _, d := range a.Decisions {
		p.Decisions = append(p.Decisions, v.decisionLine(d))
	}
	for _, t := range a.Next {
		p.Next = append(p.Next, v.taskLine(t))
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
	add(len(a.Answers) > 0, row{Key: "Answers", Value: text(plural(len(a.Answers), "answer", "answers") + ", sealed"), Note: "hash " + short(string(a.AnswersHash))})
	for _, r := range a.Refusals {
		note := inWords(r.Code)
		if len(r.Missing) > 0 {
			note += ": " + listed(r.Missing)
		}
		add(true, row{Key: "Refused attempt", At: v.instant(r.ReceivedAt), Note: note})
	}
	add(!a.Permit.IsZero(), row{Key: "Permitted until", At: v.instant(a.Permit)})
	add(a.Nomination.Route != "", row{Key: "Put forward", Value: text(inWords(a.Nomination.Route)), Note: a.Nomination.Organisation})
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
	add(!a.Offer.MadeAt.IsZero(), row{Key: "Offer made", At: v.instant(a.Offer.MadeAt)})
	add(!a.Offer.ReplyBy.IsZero(), row{Key: "To answer by", At: instantIn(a.Offer.ReplyBy, location(a.Offer.Zone))})
	add(!a.Offer.AnsweredAt.IsZero(), row{Key: "Answered", At: v.instant(a.Offer.AnsweredAt), Note: string(a.Offer.Answer)})
	add(!a.Released.IsZero(), row{Key: "Reserve released", At: v.instant(a.Released), Note: "no place came free"})
	return rows
}

// verdict is how the submission stood to the deadline in force.
func (v *visit) verdict(a projections.Application) string {
	words := "in time for the deadline "
	if a.Late {
		words = "late, by permission, after the deadline "
	}
	return words + deadline(a.Deadline)
}

func (v *visit) reviewLine(r projections.Review) reviewLine {
	l := reviewLine{
		Reviewer: v.name(r.Reviewer), Asked: v.instant(r.AssignedAt), Opened: v.instant(r.OpenedAt), Recorded: v.instant(r.RecordedAt),
		Recommendation: inWords(r.Recommendation),
	}
	for i, s := range r.Scores {
		if i > 0 {
			l.Scores += ", "
		}
		l.Scores += inWords(s.Criterion) + " " + grouping(int64(s.Value))
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
	l := decisionLine{Verdict: capital(string(d.Verdict)), At: v.instant(d.At), By: v.actor(d.By)}
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
