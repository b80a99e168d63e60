package person

import "github.com/daybook-engine/daybook/domain"

// An Event is a fact about one person.
type Event interface{ evolve(State) State }

// State is what the rules remember.
type State struct {
	person   domain.Person
	name     domain.Digest
	email    domain.Digest
	language string
	erasure  string // started, completed
}

// Apply returns s after e. It never fails and never judges.
func (s State) Apply(e Event) State { return e.evolve(s) }

// Registered tells whether there is such a person.
func (s State) Registered() bool { return s.person != "" }

// Erased tells whether everything personal is gone, or about to be.
func (s State) Erased() bool { return s.erasure != "" }

// Language is the one in which the person is written to; "" where that was
// not said.
func (s State) Language() string { return s.language }

// Written tells where in the vault the name and the e-mail address are.
func (s State) Written() (name, email domain.Digest) { return s.name, s.email }

// Subjects are the people every event of the stream is about.
func (s State) Subjects() []domain.Person {
	if s.person == "" {
		return nil
	}
	return []domain.Person{s.person}
}

func (e Registered) evolve(s State) State {
	s.person, s.name, s.email, s.language = e.Person, e.Name.Digest, e.Email.Digest, e.Language
	return s
}

func (e NameSet) evolve(s State) State        { s.name = e.Name.Digest; return s }
func (e EmailSet) evolve(s State) State       { s.email = e.Email.Digest; return s }
func (e LanguageSet) evolve(s State) State    { s.language = e.Language; return s }
func (ErasureStarted) evolve(s State) State   { s.erasure = "started"; return s }
func (ErasureCompleted) evolve(s State) State { s.erasure = "completed"; return s }
