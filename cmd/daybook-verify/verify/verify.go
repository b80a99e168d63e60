// Package verify checks evidence packs. It imports nothing of Daybook's, so
// that it can be read, built and trusted alone: what it knows of records and
// figures is in the pack, in FORMAT.md, and here.
package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A Policy is what whoever checks trusts beforehand: the keys of logs. It
// comes from the grant letter or with the first pack, never out of the pack.
type Policy struct {
	verifiers note.Verifiers
	vkeys     map[string]string // by origin
}

// ReadPolicy reads a C2SP tlog-policy of logs without witnesses.
func ReadPolicy(text []byte) (Policy, error) {
	p := Policy{vkeys: map[string]string{}}
	var list []note.Verifier
	quorum := false
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case words[0] == "log" && (len(words) == 2 || len(words) == 3):
			v, err := note.NewVerifier(words[1])
			if err != nil {
				return p, fmt.Errorf("policy: log %q: %w", words[1], err)
			}
			if _, twice := p.vkeys[v.Name()]; twice {
				return p, fmt.Errorf("policy: log %s is named twice", v.Name())
			}
			list, p.vkeys[v.Name()] = append(list, v), words[1]
		case len(words) == 2 && words[0] == "quorum" && words[1] == "none":
			quorum = true
		default:
			return p, fmt.Errorf("policy: line %q is not understood; witnesses are not yet", strings.TrimSpace(line))
		}
	}
	if len(list) == 0 || !quorum {
		return p, errors.New("policy: expected lines \"log VKEY\" and \"quorum none\"")
	}
	p.verifiers = note.VerifierList(list...)
	return p, nil
}

// Claims are claims.json: what the pack says, and of what.
type Claims struct {
	V         int             `json:"v"`
	For       string          `json:"for"`
	Cycle     string          `json:"cycle"`
	Programme string          `json:"programme"`
	Year      int             `json:"year"`
	Position  string          `json:"position"` // of the log, up to which it was counted
	Books     []string        `json:"books"`    // the cycle's and the programme's
	Figures   []Figure        `json:"figures"`  // in the order of Measures
	Measures  json.RawMessage `json:"measures"` // their definitions, a list
}

// Text is claims.json, of which there is one way to write it.
func (c Claims) Text() []byte {
	b, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		panic(err) // its only part that could fail was read from JSON
	}
	return append(b, '\n')
}

// A Figure is a measure's value, or why it is not told.
type Figure struct {
	Measure string `json:"measure"`
	Version int    `json:"version"`
	Value   int64  `json:"value"`
	LeftOut string `json:"left_out,omitempty"`
}

// A Pack is one that was checked: all that it says holds.
type Pack struct {
	Claims    Claims
	Measures  []Measure
	Origin    string
	VKey      string
	Rehearsal bool
	Ledger    tlog.Tree // that was signed
	Sizes     []int64   // of the claims' books
	Bodies    int       // events disclosed
	Until     string    // the newest day on which anything in the books was recorded, as the operator says
	Older     *Pack     // that it continues; nil when none was given

	ledger  []byte
	stated  []statement         // what it says, line by line
	headers map[string][][]byte // by book
	counted []tally             // by measure
}

// Check checks a pack by a policy, and against an older one unless that is
// nil. Its error says the first thing that does not hold; ErrUnreadable, that
// it is no pack.
func Check(pack []byte, policy Policy, since []byte) (*Pack, error) {
	p, err := check(pack, policy)
	if err != nil || since == nil {
		return p, err
	}
	old, err := check(since, policy)
	if err != nil {
		return nil, fmt.Errorf("the older pack: %w", err)
	}
	switch {
	case old.Origin != p.Origin:
		return nil, fmt.Errorf("the older pack is of another log: %s", old.Origin)
	case len(p.ledger) < len(old.ledger) && bytes.HasPrefix(old.ledger, p.ledger):
		return nil, errors.New("the pack after --since is the newer of the two: give them the other way round")
	case !bytes.HasPrefix(p.ledger, old.ledger):
		return nil, fmt.Errorf("the ledger does not begin with the %d statements of the older pack: the past was rewritten", old.Ledger.N)
	}
	var untold error // after all that would be worse
	for _, book := range old.Claims.Books {
		was := old.headers[book]
		is, ok := p.headers[book]
		if !ok {
			untold = fmt.Errorf("this pack says nothing of %s, of which the older pack has %d events: whether they were changed cannot be shown. What else is in both continues; ask for a new pack of that cycle", book, len(was))
		} else if len(is) < len(was) || !slices.EqualFunc(is[:len(was)], was, bytes.Equal) {
			return nil, fmt.Errorf("%s does not begin with its %d headers of the older pack: the past was rewritten", book, len(was))
		}
	}
	if untold != nil {
		return nil, untold
	}
	p.Older = old
	return p, nil
}

func check(pack []byte, policy Policy) (*Pack, error) {
	files, err := unzip(pack)
	if err != nil {
		return nil, err
	}
	p := &Pack{headers: map[string][][]byte{}}
	for _, step := range []struct {
		file  string
		check func(p *Pack, files map[string][]byte, policy Policy) error
	}{
		{"checkpoint", (*Pack).checkpoint}, {"ledger.jsonl", (*Pack).statements}, {"since.txt", (*Pack).since},
		{"claims.json", (*Pack).claims}, {"headers.jsonl", (*Pack).leaves}, {"bodies.jsonl", (*Pack).figures},
		{"README.txt", (*Pack).readme},
	} {
		if err := step.check(p, files, policy); err != nil {
			return nil, fmt.Errorf("%s: %w", step.file, err)
		}
	}
	return p, nil
}

// checkpoint checks by whom the ledger was signed.
func (p *Pack) checkpoint(files map[string][]byte, policy Policy) error {
	n, err := note.Open(files["checkpoint"], policy.verifiers)
	if err != nil {
		return fmt.Errorf("not signed by a key of the policy: %w", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || !slices.ContainsFunc(n.Sigs, func(s note.Signature) bool {
		_, err := base64.StdEncoding.Strict().DecodeString(s.Base64) // one way to write it
		return s.Name == lines[0] && err == nil
	}) {
		return errors.New("not the checkpoint of a log of the policy")
	}
	if p.Origin, p.VKey = lines[0], policy.vkeys[lines[0]]; fmt.Sprintf("%d", atoi(lines[1])) != lines[1] {
		return fmt.Errorf("size %q is not a number", lines[1])
	}
	p.Rehearsal = strings.HasPrefix(p.Origin, "rehearsal/")
	p.Ledger.N = atoi(lines[1])
	p.Ledger.Hash, err = tlog.ParseHash(lines[2])
	if err == nil && p.Ledger.Hash.String() != lines[2] {
		err = fmt.Errorf("root %q is not written as hashes are", lines[2])
	}
	return err
}

// A statement is a leaf of the ledger, of one of two kinds.
type statement struct {
	Book   string     `json:"book,omitzero"`
	Claims string     `json:"claims,omitzero"`
	Root   *tlog.Hash `json:"root,omitzero"`
	Size   int64      `json:"size,omitzero"`
}

// statements checks that the ledger is the one that was signed.
func (p *Pack) statements(files map[string][]byte, _ Policy) error {
	p.ledger = files["ledger.jsonl"]
	lines, err := split(p.ledger)
	if err != nil {
		return err
	}
	t, err := grow(lines)
	if err != nil {
		return err
	}
	if int64(len(lines)) != p.Ledger.N || t.root(p.Ledger.N) != p.Ledger.Hash {
		return fmt.Errorf("its %d statements are not the %d that were signed", len(lines), p.Ledger.N)
	}
	p.stated = make([]statement, len(lines))
	for i, line := range lines {
		s := &p.stated[i]
		if err := json.Unmarshal(line, s); err != nil {
			return fmt.Errorf("statement %q: %w", line, err)
		}
		ofBook := s.Claims == "" && s.Book != "" && s.Root != nil && s.Size > 0
		ofClaims := s.Claims != "" && *s == statement{Claims: s.Claims}
		if again, err := json.Marshal(s); err != nil || !bytes.Equal(again, line) || !ofBook && !ofClaims {
			return fmt.Errorf("statement %q is not written as FORMAT.md says", line)
		}
	}
	return nil
}

// since checks the proof that the ledger extends an older one.
func (p *Pack) since(files map[string][]byte, _ Policy) error {
	text, ok := files["since.txt"]
	if !ok {
		return nil
	}
	lines, err := split(text)
	if err != nil {
		return err
	}
	ledger, err := split(p.ledger)
	if err != nil {
		return err
	}
	t, err := grow(ledger)
	if err != nil {
		return err
	}
	size := atoi(string(lines[0]))
	if size < 1 || size > p.Ledger.N || string(lines[0]) != fmt.Sprint(size) { // of nothing nothing is proved
		return fmt.Errorf("size %q", lines[0])
	}
	var proof tlog.TreeProof
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(string(line))
		if err != nil || h.String() != string(line) {
			return fmt.Errorf("%q is not a hash", line)
		}
		proof = append(proof, h)
	}
	return tlog.CheckTree(proof, p.Ledger.N, p.Ledger.Hash, size, t.root(size))
}

// claims checks that what the pack says was signed too, and of what it is.
func (p *Pack) claims(files map[string][]byte, _ Policy) error {
	text := files["claims.json"]
	if err := json.Unmarshal(text, &p.Claims); err != nil {
		return err
	}
	c := &p.Claims
	rehearsal := ""
	if p.Rehearsal {
		rehearsal = "rehearsal/"
	}
	sum := sha256.Sum256(text)
	digest := base64.RawURLEncoding.EncodeToString(sum[:])
	claimed := false
	for _, s := range p.stated {
		switch {
		case slices.Contains(c.Books, s.Book):
			claimed = false
		case s.Claims == digest:
			claimed = true
		}
	}
	switch {
	case !claimed:
		return errors.New("these claims are not stated in the ledger, or were of other books")
	case c.V != 1:
		return fmt.Errorf("format %d is not known here; get a newer verifier", c.V)
	case !bytes.Equal(text, c.Text()): // which other readers might read otherwise
		return errors.New("not written as FORMAT.md says")
	case !slices.Equal(c.Books, []string{rehearsal + "cycle/" + c.Cycle, rehearsal + "programme/" + c.Programme}):
		return fmt.Errorf("books %q are not those of cycle %q and programme %q in %s", c.Books, c.Cycle, c.Programme, p.Origin)
	}
	printed := c.For + c.Cycle + c.Programme + c.Position
	for _, f := range c.Figures {
		printed += f.LeftOut
	}
	if strings.ContainsFunc(printed, unicode.IsControl) {
		return errors.New("a control character")
	}
	var list bytes.Buffer
	if err := json.Compact(&list, c.Measures); err != nil {
		return err
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(list.Bytes())); !slices.Contains(known, sum) {
		return fmt.Errorf("this verifier does not know these measures (%s): they were altered, or are newer; get a newer verifier", sum)
	}
	if err := json.Unmarshal(c.Measures, &p.Measures); err != nil {
		return err
	}
	if len(c.Figures) != len(p.Measures) {
		return fmt.Errorf("%d figures of %d measures", len(c.Figures), len(p.Measures))
	}
	return nil
}

// leaves checks that the headers are all that their books have, as stated, and
// as stated every time before.
func (p *Pack) leaves(files map[string][]byte, _ Policy) error {
	lines, err := split(files["headers.jsonl"])
	if err != nil {
		return err
	}
	at := 0
	for _, line := range lines {
		h, err := readHeader(line)
		if err != nil {
			return err
		}
		for at < len(p.Claims.Books) && h.Book != p.Claims.Books[at] {
			at++
		}
		if at == len(p.Claims.Books) {
			return fmt.Errorf("%s is out of its place, or of no book claimed", line)
		}
		if n := int64(len(p.headers[h.Book])); h.N != n {
			return fmt.Errorf("%s has event %d where %d is due", h.Book, h.N, n)
		}
		p.headers[h.Book] = append(p.headers[h.Book], line)
		p.Until = max(p.Until, h.Day)
	}
	for _, book := range p.Claims.Books {
		size := int64(0)
		t, err := grow(p.headers[book])
		if err != nil {
			return err
		}
		for _, s := range p.stated {
			if s.Book != book {
				continue
			}
			if s.Size <= size || s.Size > t.n || t.root(s.Size) != *s.Root {
				return fmt.Errorf("%s is not what the ledger states: %d events with root %s", book, s.Size, s.Root)
			}
			size = s.Size
		}
		if size == 0 || size != t.n {
			return fmt.Errorf("%s has %d headers here and %d events in the ledger", book, t.n, size)
		}
		p.Sizes = append(p.Sizes, size)
	}
	return nil
}

// figures checks the events that the measures need, and counts them.
func (p *Pack) figures(files map[string][]byte, _ Policy) error {
	bodies, err := split(files["bodies.jsonl"])
	if err != nil {
		return err
	}
	needed := map[string]bool{planned: true}
	for _, m := range p.Measures {
		for _, name := range m.names() {
			needed[name] = true
		}
	}
	tallies := make([]tally, len(p.Measures))
	plans := 0
	for _, book := range p.Claims.Books {
		for _, line := range p.headers[book] {
			h, err := readHeader(line)
			if err != nil {
				return err
			}
			if !needed[h.Name] {
				continue
			}
			if p.Bodies == len(bodies) {
				return fmt.Errorf("the body of %s %d (%s) is missing", book, h.N, h.Name)
			}
			f, err := disclosed(h, bodies[p.Bodies])
			if err != nil {
				return fmt.Errorf("%s %d (%s): %w", book, h.N, h.Name, err)
			}
			p.Bodies++
			if h.Name == planned {
				plans++
				if text(f.body["programme"]) != p.Claims.Programme || text(f.body["year"]) != fmt.Sprint(p.Claims.Year) || f.stream != "cycle-"+p.Claims.Cycle {
					return fmt.Errorf("the cycle was not planned for %s in %d", p.Claims.Programme, p.Claims.Year)
				}
			}
			for i := range p.Measures {
				if err := tallies[i].add(&p.Measures[i], f); err != nil {
					return err
				}
			}
		}
	}
	if p.Bodies != len(bodies) {
		return fmt.Errorf("%d bodies, %d needed", len(bodies), p.Bodies)
	}
	if plans != 1 {
		return fmt.Errorf("the cycle was planned %d times", plans)
	}
	p.counted = make([]tally, len(p.Measures))
	for i, m := range p.Measures {
		said := p.Claims.Figures[i]
		scope := p.Claims.Cycle
		switch m.Scope {
		case "cycle":
		case "year":
			scope = fmt.Sprintf("%s/%d", p.Claims.Programme, p.Claims.Year)
		default: // it rests on other books
			if said.LeftOut == "" || said.Value != 0 {
				return fmt.Errorf("%s cannot be proved from these books", m.Measure)
			}
			continue
		}
		p.counted[i] = tallies[i].in(&m, scope)
		if is := (Figure{m.Measure, m.Version, p.counted[i].value(), ""}); said != is {
			return fmt.Errorf("the claim of %s %d is %d, and the records give %d of %s", said.Measure, said.Version, said.Value, is.Value, is.Measure)
		}
	}
	return nil
}

// readme checks that the words are the verifier's own.
func (p *Pack) readme(files map[string][]byte, _ Policy) error {
	if string(files["README.txt"]) != Readme(p.Claims.Cycle, p.Origin, p.VKey) {
		return errors.New("it is not the text that belongs to this pack")
	}
	return nil
}
