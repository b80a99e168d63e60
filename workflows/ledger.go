package workflows

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/eventstore/durable"
)

var (
	// ErrRolledBack is the refusal to sign a past other than the one stated.
	ErrRolledBack = errors.New("the ledger does not sign another past")
	// ErrLedger says that the ledger's files are not as it left them.
	ErrLedger = errors.New("ledger")
)

// Books are what the ledger speaks of, made from the log as it is now.
type Books interface {
	Books(ctx context.Context) ([]Statement, error)
	// Root is a book's root when it was that long; domain.NotFound when it
	// isn't so long.
	Root(ctx context.Context, book string, size int64) (tlog.Hash, error)
}

// A Statement is a leaf of the ledger, a line of JSON: that a book had that
// root when it was that long; or that claims were made, with their digest.
type Statement struct {
	Book   string     `json:"book,omitzero"`
	Claims string     `json:"claims,omitzero"` // base64url SHA-256 of a pack's claims.json
	Root   *tlog.Hash `json:"root,omitzero"`
	Size   int64      `json:"size,omitzero"`
}

// A Ledger states how the books stand, and is alone signed: a log of
// statements that only grows, in a file of its own. What it once signed, the
// books must keep: otherwise it signs no more.
type Ledger struct {
	Origin string // names the log, in checkpoints
	VKey   string // what whoever checks must know beforehand

	books    Books
	file     string // the statements
	signed   string // the last checkpoint, beside the key: kept apart from the log, it tells of a log put back
	signer   note.Signer
	verifier note.Verifier

	stating sync.Mutex
	known   statements // what was read of the file last
}

// Stated is the ledger as it was signed.
type Stated struct {
	Leaves     []byte // lines
	Checkpoint []byte // C2SP tlog-checkpoint
}

// OpenLedger opens the ledger of a log, with its key in a file that is made
// when the ledger begins.
func OpenLedger(dir, keyFile, origin string, books Books) (*Ledger, error) {
	l := ledgerIn(dir, keyFile, origin)
	l.books = books
	return l, l.open(keyFile)
}

func ledgerIn(dir, keyFile, origin string) *Ledger {
	return &Ledger{Origin: origin, file: filepath.Join(dir, "ledger.jsonl"), signed: strings.TrimSuffix(keyFile, ".key") + ".checkpoint"}
}

func (l *Ledger) open(keyFile string) error {
	key, err := l.key(keyFile)
	if err != nil {
		return err
	}
	if l.signer, err = note.NewSigner(key); err != nil {
		return fmt.Errorf("%w: %s holds no key", ErrLedger, keyFile) // not err: it might quote it
	}
	if l.signer.Name() != l.Origin {
		return fmt.Errorf("%w: %s is the key of %s, not of %s", ErrLedger, keyFile, l.signer.Name(), l.Origin)
	}
	seed, err := base64.StdEncoding.DecodeString(strings.SplitN(key, "+", 5)[4]) // PRIVATE+KEY+name+hash+seed: a signer was made of it
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return fmt.Errorf("%w: %s holds no Ed25519 key", ErrLedger, keyFile)
	}
	public := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if l.VKey, err = note.NewEd25519VerifierKey(l.Origin, public); err != nil {
		return err
	}
	l.verifier, err = note.NewVerifier(l.VKey)
	return err
}

func (l *Ledger) key(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		for _, signed := range []string{l.file, l.signed} {
			if _, err := os.Stat(signed); err == nil {
				return "", fmt.Errorf("%w: %s is missing, and %s was signed with it: put it back, a new one would not do", ErrLedger, path, signed)
			}
		}
		key, _, err := note.GenerateKey(rand.Reader, l.Origin)
		if err != nil {
			return "", err
		}
		return key, durable.WriteFile(path, []byte(key+"\n"), 0o600)
	} else if err != nil {
		return "", err
	}
	if open := info.Mode().Perm() & 0o077; open != 0 && runtime.GOOS != "windows" {
		return "", fmt.Errorf("%w: others may use %s (mode %#o): chmod 600 %s", ErrLedger, path, info.Mode().Perm(), path)
	}
	b, err := os.ReadFile(path)
	return strings.TrimSpace(string(b)), err
}

// State adds a statement for every book that grew since its last one, and one
// that these claims were made, if any are given and they were not made before
// of the books as they stand; and signs. What it returns is on the disk.
func (l *Ledger) State(ctx context.Context, claims string) (s Stated, err error) {
	l.stating.Lock()
	defer l.stating.Unlock()
	if s, err = l.load(); err != nil {
		return s, err
	}
	known := &l.known
	if !bytes.HasPrefix(s.Leaves, known.lines) {
		*known = statements{}
	}
	if err := known.add(s.Leaves[len(known.lines):]); err != nil {
		return s, err
	}
	size, err := l.extends(known, s.Checkpoint)
	if err != nil {
		return s, err
	}
	for book, was := range known.last {
		root, err := l.books.Root(ctx, book, was.Size)
		if err == nil && root == *was.Root {
			continue
		}
		if err != nil && !errors.Is(err, domain.NotFound) {
			return s, err
		}
		return s, fmt.Errorf("%w: it stated that %s had %d events with root %s, and the log has not: an older copy of the log was put back, or it was altered. "+
			"Put back the newest copy of log.db. If its end is lost for good, tell everybody who holds a pack, and move ledger.jsonl, ledger.checkpoint and ledger.key away: a new ledger begins",
			ErrRolledBack, book, was.Size, was.Root)
	}
	books, err := l.books.Books(ctx)
	if err != nil {
		return s, err
	}
	var grown []byte
	for _, b := range books {
		if was, stated := known.last[b.Book]; !stated || b.Size > was.Size {
			grown = appendLine(grown, b)
		}
	}
	if claims != "" && (grown != nil || !known.claimed[claims]) {
		grown = appendLine(grown, Statement{Claims: claims})
	}
	if grown != nil {
		if err := extend(l.file, len(s.Leaves), grown); err != nil {
			return s, err
		}
		if err := known.add(grown); err != nil {
			return s, err
		}
		s.Leaves = bytes.Clone(known.lines)
	}
	if known.n == size {
		return s, nil
	}
	root, err := tlog.TreeHash(known.n, known)
	if err != nil {
		return s, err
	}
	s.Checkpoint, err = note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", l.Origin, known.n, root)}, l.signer)
	if err != nil {
		return s, err
	}
	return s, durable.WriteFile(l.signed, s.Checkpoint, 0o600)
}

// Run states from time to time until ctx ends, and then once more. A refusal
// is told and ends nothing: pages are still to be read.
func (l *Ledger) Run(ctx context.Context, every time.Duration, tell func(error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, err := l.State(ctx, ""); err != nil && ctx.Err() == nil {
				tell(err)
			}
		case <-ctx.Done():
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), every)
			defer cancel()
			if _, err := l.State(ending, ""); err != nil {
				tell(err)
			}
			return ctx.Err()
		}
	}
}

// ReadLedger gives all that the ledger of a log stated, which begins with what
// it signed; nothing where there is no ledger. It writes nothing, and may be
// asked beside a process that states.
func ReadLedger(dir, keyFile, origin string) ([]Statement, error) {
	l := ledgerIn(dir, keyFile, origin)
	s, err := l.load()
	if err != nil || s.Leaves == nil && s.Checkpoint == nil {
		return nil, err
	}
	if s.Checkpoint == nil {
		return nil, fmt.Errorf("%w: %s is missing, which says what of %s was signed: put it back, or, if nothing was signed yet, start daybook serve", ErrLedger, l.signed, l.file)
	}
	if err := l.open(keyFile); err != nil {
		return nil, err
	}
	var t statements
	if err := t.add(s.Leaves); err != nil {
		return nil, err
	}
	_, err = l.extends(&t, s.Checkpoint)
	return t.list, err
}

// load reads the last checkpoint and then the statements, which may have grown
// since. Of these a last one that was torn was never acknowledged.
func (l *Ledger) load() (s Stated, err error) {
	if s.Checkpoint, err = readIfThere(l.signed); err != nil {
		return s, err
	}
	s.Leaves, err = readIfThere(l.file)
	s.Leaves = s.Leaves[:bytes.LastIndexByte(s.Leaves, '\n')+1]
	return s, err
}

func readIfThere(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// extends gives the size of what a checkpoint was signed over, when the
// statements begin with that.
func (l *Ledger) extends(t *statements, checkpoint []byte) (size int64, err error) {
	if checkpoint == nil {
		return 0, nil
	}
	n, err := note.Open(checkpoint, note.VerifierList(l.verifier))
	if err != nil {
		return 0, fmt.Errorf("%w: %s: %w", ErrLedger, l.signed, err)
	}
	var root string
	if _, err := fmt.Sscanf(strings.TrimPrefix(n.Text, l.Origin+"\n"), "%d\n%s\n", &size, &root); err != nil {
		return 0, fmt.Errorf("%w: %s: %w", ErrLedger, l.signed, err)
	}
	if size <= t.n {
		is, err := tlog.TreeHash(size, t)
		if err != nil || is.String() == root {
			return size, err
		}
	}
	return 0, fmt.Errorf("%w: %s was signed over %d statements, and %s does not begin with them: put back the newest copy of ledger.jsonl", ErrRolledBack, l.signed, size, l.file)
}

// statements are the ledger's lines, and the tree of them: its hashes, by
// tlog's numbers.
type statements struct {
	lines   []byte
	list    []Statement
	last    map[string]Statement // of each book
	claimed map[string]bool      // since any book's
	hashes  []tlog.Hash
	n       int64
}

func (t *statements) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		list[i] = t.hashes[index]
	}
	return list, nil
}

// add reads more lines, up to the first that is no statement.
func (t *statements) add(lines []byte) error {
	if t.last == nil {
		t.last, t.claimed = map[string]Statement{}, map[string]bool{}
	}
	for line := range bytes.Lines(lines) {
		leaf := bytes.TrimSuffix(line, []byte("\n"))
		var s Statement
		err := json.Unmarshal(leaf, &s)
		if ofBook := s.Book != ""; err == nil && (ofBook == (s.Claims != "") || ofBook != (s.Root != nil)) {
			err = errors.New("it states neither a book nor claims, or both")
		}
		if err != nil {
			return fmt.Errorf("%w: statement %d: %w", ErrLedger, t.n, err)
		}
		hashes, err := tlog.StoredHashes(t.n, leaf, t)
		if err != nil {
			return err
		}
		if s.Book != "" {
			t.last[s.Book] = s
			clear(t.claimed)
		} else {
			t.claimed[s.Claims] = true
		}
		t.lines, t.list, t.hashes = append(t.lines, line...), append(t.list, s), append(t.hashes, hashes...)
		t.n++
	}
	return nil
}

func appendLine(lines []byte, s Statement) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain data always marshals
	}
	return append(append(lines, b...), '\n')
}

// extend appends to a file what comes after its first size bytes, durably.
func extend(path string, size int, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err = f.Truncate(int64(size)); err == nil {
		_, err = f.WriteAt(b, int64(size))
	}
	return errors.Join(err, f.Sync(), f.Close(), durable.SyncDir(filepath.Dir(path)))
}
