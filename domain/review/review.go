// Package review is the assessment of one application: who was asked, who has
// a conflict of interest, what each reviewer said. Conflicts live here, where
// reviews are assigned, and whoever declared one neither reads nor writes on
// this application again.
package review

import (
	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/application"
)

// ID names the reviews of one application. Unlike an application's, its
// person is never the actor: somebody else reviews.
type ID struct {
	Cycle  string        `json:"cycle"`
	Call   string        `json:"call"`
	Person domain.Person `json:"person"`
}

// Application is the application that is reviewed.
func (id ID) Application() application.ID {
	return application.ID{Cycle: id.Cycle, Call: id.Call, Person: id.Person}
}

func (id ID) Stream() string { return "review-" + id.Application().Key() }
func (id ID) Book() string   { return "cycle/" + id.Cycle }
func (id ID) Check() error   { return id.Application().Check() }
