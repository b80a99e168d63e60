// Package retention is how long what is known about somebody who applied may be
// kept. The programme says so; when that time is over it is put to those who run
// it: they erase the person, which takes two of them, or say why and until when
// it is kept on. Nothing is erased by a clock.
//
// It is about one application. What is erased is all that is personal about who
// applied, for nothing less can be destroyed: whether they took part elsewhere is
// for people to judge.
package retention

import (
	"time"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
	"github.com/daybook-engine/daybook/domain/cycle"
	"github.com/daybook-engine/daybook/domain/programme"
	"github.com/daybook-engine/daybook/domain/when"
)

// ID names the application that something is known by. Unlike an application's,
// its person is never the actor: somebody else keeps it.
type ID struct {
	Cycle  string        `json:"cycle"`
	Call   string        `json:"call"`
	Person domain.Person `json:"person"`
}

// Application is the application that something is known by.
func (id ID) Application() application.ID {
	return application.ID{Cycle: id.Cycle, Call: id.Call, Person: id.Person}
}

func (id ID) Stream() string { return prefix + id.Application().Key() }
func (id ID) Book() string   { return "cycle/" + id.Cycle }
func (id ID) Check() error   { return id.Application().Check() }

const prefix = "retention-"

// Stream is that of an application by the application's own.
func Stream(application string) string { return prefix + application[len("application-"):] }

// A File is what became of an application.
type File struct {
	Open    bool      `json:"open,omitempty"`   // it was begun, and has not come to its end
	Placed  bool      `json:"placed,omitempty"` // it came to a place
	Decided time.Time `json:"decided,omitzero"` // when it came to its end without one; zero: it has not
	Closed  time.Time `json:"closed,omitzero"`  // when its cycle was closed; zero: it was not
}

// After is f after something that happened to the application, or to its cycle.
func (f File) After(event any, at time.Time) File {
	switch event.(type) {
	case application.DraftStarted, application.Received: // also after a refusal or, by permit, after the draft had expired
		f.Open, f.Decided = true, time.Time{}
	case application.DraftExpired, application.Withdrawn, application.EligibilityFailed, application.PassedOver, application.Declined, application.OfferDeclined, application.OfferLapsed:
		f.Open, f.Decided = false, at
	case application.Retracted: // it is kept as what was undecided when the cycle closed
		f.Open, f.Decided = false, time.Time{}
	case application.SubmissionRefused:
		if !f.Open { // else the draft is still to be sent
			f.Decided = at
		}
	case application.OfferAccepted:
		f.Placed = true
	case cycle.Closed:
		f.Closed = at
	}
	return f
}

// Kept is by what an application is kept. The commands embed it.
type Kept struct {
	// Looked up.
	File   File                  `json:"-"`
	Rules  []programme.Retention `json:"-"`
	Zone   string                `json:"-"` // the programme's, in which its days are counted
	Erased bool                  `json:"-"` // the person, or about to be
}

// Until says until when an application is kept, and by which of the programme's
// rules, or by none where it is kept on as somebody said; zero: as far as is known,
// without end. What was still undecided when the cycle closed was decided by that.
// It is over when people were asked since: an end that they were asked about before
// more became of the application, or other rules came, is not this one.
func (s State) Until(k Kept) (rule programme.Retention, until time.Time, over bool) {
	rule, until = k.until(s.Said)
	return rule, until, !until.IsZero() && !until.After(s.Over)
}

func (k Kept) until(said time.Time) (rule programme.Retention, until time.Time) {
	of, decided := programme.NotPlaced, k.File.Decided
	if k.File.Placed {
		of = programme.Placed
	}
	if k.File.Placed || decided.IsZero() {
		decided = k.File.Closed
	}
	if decided.IsZero() { // it goes on
		return rule, until
	}
	for _, r := range k.Rules {
		from := k.File.Closed
		if r.After == programme.AfterDecision {
			from = decided
		}
		switch {
		case r.Of != of:
			continue
		case from.IsZero():
			return rule, until
		}
		if end, err := when.Months(from, r.Months, k.Zone); err == nil && !end.Before(said) { // the definition was checked, so there is such a zone
			return r, end
		}
	}
	return rule, said
}
