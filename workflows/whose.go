package workflows

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/google/uuid"
	"github.com/mozillazg/go-unidecode"
	"golang.org/x/text/unicode/norm"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/person"
)

// A newcomer is somebody whom rows name and nobody knows yet.
type newcomer struct {
	person domain.Person
	row    int // the first that names them
}

// foldedName is a name as it is compared: its words in any order, so that Berg,
// Anna is Anna Berg.
func foldedName(name string) string {
	words := strings.FieldsFunc(strings.ToLower(norm.NFC.String(name)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	slices.Sort(words)
	return strings.Join(words, " ")
}

// identity is who a row is about, as it says.
func (r *reader) identity() (name, email, handle string) {
	name = r.text("name")
	whole := strings.Fields(foldedName(name))
	first, last := r.text("first_name"), r.text("last_name")
	switch {
	case name == "":
		name = first + " " + last
	case first == "" || last != "" || slices.ContainsFunc(strings.Fields(foldedName(first)), func(word string) bool { return slices.Contains(whole, word) }):
	case len(strings.Fields(name)) > 1:
		r.ask("name: it may be the whole name, without %q, or the family name alone: say which that column is (in a map, name or last_name)", first)
	default: // a Name beside a Vorname
		name = first + " " + name
	}
	name = strings.Join(strings.Fields(name), " ")
	email, handle = strings.ToLower(r.text("email")), strings.ToLower(r.text("handle"))
	if from := strings.ToLower(r.x.From); r.x.sure() {
		if email != "" && email != from && !r.x.done.Reading.Aside(r.row, "email") {
			r.ask("email: the form says another address than whom the mail is said to be from")
		}
		email = from
	}
	switch {
	case email == "" && handle == "":
		r.ask("it has neither an e-mail address nor a short name, and a name alone may be two people's")
	case email != "" && !strings.Contains(email, "@"):
		r.ask("email: expected an e-mail address")
	}
	return name, email, handle
}

// sure tells whether somebody has made sure of whom a mail is from.
func (x *importer) sure() bool { return x.Sheet.Claimed && x.From != "" }

// namesakes finds the addresses that a sheet gives to people of several names.
func (x *importer) namesakes() {
	x.shared = map[string]bool{}
	named := map[string]string{}
	for _, row := range x.done.Reading.Rows {
		r := reader{x: x, row: row}
		name, email, handle := r.identity()
		for _, key := range []string{email, handle} {
			if key == "" || name == "" {
				continue
			}
			if before, ok := named[key]; ok && before != foldedName(name) {
				x.shared[key] = true
			}
			named[key] = foldedName(name)
		}
	}
}

// who is the person a row is about, registered by it if nobody knows them.
func (r *reader) who(p *rowPlan, register string) domain.Person {
	x := r.x
	name, email, handle := r.identity()
	language := r.text("language")
	if said := r.slug("register"); said != "" {
		register = said
	}
	if r.doubt != nil {
		return ""
	}
	key := email
	if key == "" {
		key = handle
	}
	if x.shared[key] {
		r.ask("other rows have the same address or short name and another name")
		return ""
	}
	if n, ok := x.newcomers[key]; ok {
		p.newcomer = n
		return n.person
	}
	known, err := x.known(r, name, email, handle)
	if err != nil || known != "" || r.doubt != nil {
		r.failed("email", err)
		return known
	}
	if name == "" {
		r.nobody = &Stranger{email, handle}
		r.ask("nobody is registered under this address or short name, and the row has no name")
		return ""
	}
	if handle == "" {
		if handle, err = x.freeHandle(name); err != nil {
			r.failed("handle", err)
			return ""
		}
	}
	x.handles[handle] = true
	id := uuid.New() // a person's id follows from it, and tells nothing
	n := &newcomer{row: r.row.Number}
	if n.person, err = x.l.newcomer(x.l.ctx, handle, id); err != nil {
		r.failed("handle", err)
		return ""
	}
	o, err := x.order("person.register", map[string]any{"register": register, "handle": handle, "name": name, "language": language, "email": email}, "")
	if err != nil {
		r.failed("name", err)
		return ""
	}
	o.cause.CommandID = id
	x.newcomers[key], p.newcomer, p.register = n, n, &o
	r.unsure = false // there is nobody yet in whose name it could be
	return n.person
}

// known is who is registered under an address or a handle, if it is whom the
// row means.
func (x *importer) known(r *reader, name, email, handle string) (domain.Person, error) {
	for _, key := range []string{email, handle} {
		if key == "" {
			continue
		}
		p, err := x.l.Registered(x.l.ctx, key)
		if errors.Is(err, domain.NotFound) {
			continue
		} else if err != nil {
			return "", err
		}
		s, err := remembered[person.State](x.l, person.ID{Person: p}.Stream())
		if err != nil {
			return "", err
		}
		called, at := s.Written()
		was, err := x.reveal(called)
		if err != nil {
			return "", err
		}
		address, err := x.reveal(at)
		if err != nil {
			return "", err
		}
		switch {
		case name != "" && foldedName(was) != foldedName(name) && !x.done.Reading.Aside(r.row, "name"): // how a mail program calls its user says little
			r.ask("this address or short name is somebody's with another name; if they are the same person, correct it with name.set")
		case email != "" && !strings.EqualFold(address, email):
			r.ask("this person is registered with another e-mail address, or none; set it with email.set")
		}
		return p, nil
	}
	return "", nil
}

func (x *importer) reveal(d domain.Digest) (string, error) {
	if d == "" {
		return "", nil
	}
	return x.Open(x.l.ctx, d)
}

// freeHandle makes a handle of a name that nobody has.
func (x *importer) freeHandle(name string) (string, error) {
	base := slugged(name)
	if base == "" {
		base = "person"
	}
	for n := 1; ; n++ {
		handle := base
		if n > 1 {
			handle += "-" + strconv.Itoa(n)
		}
		if x.handles[handle] {
			continue
		}
		if _, err := x.l.Registered(x.l.ctx, handle); errors.Is(err, domain.NotFound) {
			return handle, nil
		} else if err != nil {
			return "", err
		}
	}
}

var umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue")

// longestSlug leaves room for a number behind it.
const longestSlug = 56

// slugged makes a slug of a name in any script.
func slugged(name string) string {
	name = unidecode.Unidecode(umlauts.Replace(strings.ToLower(norm.NFC.String(name))))
	words := strings.FieldsFunc(strings.ToLower(strings.ReplaceAll(name, "'", "")), func(r rune) bool {
		return (r < 'a' || 'z' < r) && (r < '0' || '9' < r)
	})
	slug := strings.Join(words, "-")
	return strings.TrimRight(slug[:min(len(slug), longestSlug)], "-")
}

// vouched asks a person where a mail is not surely from who could say this: anybody
// can write what they like into one.
func (r *reader) vouched(p *rowPlan, behalf domain.Person) {
	switch {
	case r.unsure:
		r.ask("an e-mail's sender is its own word: make sure whom it is from, and then say so, under “Who the mail is from” or by --from; a list that you answer for yourself comes in as a file of its own")
	case r.x.sure() && p.newcomer == nil:
		from, err := r.x.l.Registered(r.x.l.ctx, strings.ToLower(r.x.From))
		if r.failed("from", err); err == nil && behalf != "" && behalf != from {
			r.ask("a mail is the word of one person, and this row needs another's, too")
		}
	}
}
