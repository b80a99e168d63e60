package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
)

// Begin is what somebody begins with who started Daybook in front of the
// machine that it is on.
type Begin struct {
	Dir   string // where everything is kept
	Empty bool   // nobody is registered: whoever is first registers herself

	// Examples are definitions to begin one's own from.
	Examples []Example

	// Choose lets somebody who is registered act in a role from now on.
	Choose func(ctx context.Context, role access.Role, who string) error
	// Demo plays the demonstration, in a book of its own.
	Demo func(ctx context.Context) error
	// Playing is where that is shown, "" where it is not.
	Playing func() string
}

// An Example is a programme's definition.
type Example struct {
	File, Title string
	Text        []byte
}

var (
	errWho  = domain.Wrong("person_missing", "say who you are")
	errRole = domain.Wrong("role_unknown", "say in which role you act: choose one of those that there are")
)

// duties tell roles apart for those who choose one.
var duties = map[access.Role]string{
	access.Coordinator: "runs the programme",
	access.Reviewer:    "reviews applications",
	access.Applicant:   "applies",
	access.Mentee:      "has a mentor",
	access.Mentor:      "has mentees",
	access.Operator:    "looks after this installation",
}

// beginPart is the part of the first page that says what to do first.
type beginPart struct {
	Dir     string
	Empty   bool
	Playing string
	Who     inputLine
	Roles   []option // in which they may act, the usual one first
	Asked   bool     // nobody acts yet
	Texts   []link   // of definitions
}

func (s *Server) beginPart(ctx context.Context) (p *beginPart, err error) {
	if s.begin == nil {
		return nil, nil
	}
	p = &beginPart{Dir: s.begin.Dir, Empty: s.begin.Empty, Playing: s.begin.Playing(), Asked: s.acting == nil}
	for _, e := range s.begin.Examples {
		p.Texts = append(p.Texts, link{e.Title, href("/do/definition.publish", said(formExample, e.File))})
	}
	if p.Empty {
		return p, nil
	}
	everybody, err := s.registered(ctx)
	q := Question{Name: "who", Label: "Who you are", Type: "person", Needed: true}
	if s.acting != nil && len(everybody) <= mostPeople { // it is chosen, not written
		q.Value = string(s.acting.Person)
	}
	p.Who, p.Roles = inputOf(q, filled{}, everybody), roles()
	return p, err
}

// roles are those in which people act, a coordinator's first.
func roles() (list []option) {
	others := slices.DeleteFunc(access.People(), func(r access.Role) bool { return r == access.Coordinator })
	for _, r := range slices.Insert(others, 0, access.Coordinator) {
		list = append(list, option{Value: string(r), Text: capital(string(r)) + ", who " + duties[r]})
	}
	return list
}

// sit lets somebody act from now on.
func (s *Server) sit(w http.ResponseWriter, r *http.Request) error {
	who := r.PostFormValue("who")
	if who == "" {
		return errWho
	}
	role := cmp.Or(access.Role(r.PostFormValue("role")), access.Coordinator)
	if !slices.Contains(access.People(), role) {
		return errRole
	}
	if err := s.begin.Choose(r.Context(), role, who); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// demo plays the demonstration, and leads back to the page that says where.
func (s *Server) demo(w http.ResponseWriter, r *http.Request) error {
	if err := s.begin.Demo(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
	return nil
}

// example is the text of a definition to begin one's own from.
func (s *Server) example(file string) (text string, ok bool) {
	if s.begin != nil {
		for _, e := range s.begin.Examples {
			if e.File == file {
				return string(e.Text), true
			}
		}
	}
	return "", false
}
