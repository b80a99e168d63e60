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
}

// Stated is the ledger as it was signed.
type Stated struct {
	Leaves     []byte // lines
	Checkpoint []byte // C2SP tlog-checkpoint
}

// OpenLedger opens the ledger of a log, with its key in a file that is made
// when the ledger begins.
func OpenLedger(dir, keyFile, origin string, books Books) (*Ledger, error) {
	l := &Ledger{
		Origin: origin, books: books,
		file: filepath.Join(dir, "ledger.jsonl"), signed: strings.TrimSuffix(keyFile, ".key") + ".checkpoint",
	}
	key, err := l.key(keyFile)
	if err != nil {
		return nil, err
	}
	if l.signer, err = note.NewSigner(key); err != nil {
		return nil, fmt.Errorf("%w: %s holds no key", ErrLedger, keyFile) // not err: it might quote it
	}
	if l.signer.Name() != origin {
		return nil, fmt.Errorf("%w: %s is the key of %s, not of %s", ErrLedger, keyFile, l.signer.Name(), origin)
	}
	seed, err := base64.StdEncoding.DecodeString(strings.SplitN(key, "+", 5)[4]) // PRIVATE+KEY+name+hash+seed: a signer was made of it
	if err != nil || len(seed) != 1+ed25519.SeedSize {
		return nil, fmt.Errorf("%w: %s holds no Ed25519 key", ErrLedger, keyFile)
	}
	public := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if l.VKey, err = note.NewEd25519VerifierKey(origin, public); err != nil {
		return nil, err
	}
	l.verifier, err = note.NewVerifier(l.VKey)
	return l, err
}

func (l *Ledger) key(path string) (string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(l.file); err == nil {
			return "", fmt.Errorf("%w: %s is missing, and %s was signed with it: put it back, a new one would not do", ErrLedger, path, l.file)
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
	leaves, err := l.load()
	if err != nil {
		return s, err
	}
	tree, last, claimed, err := readStatements(leaves)
	if err != nil {
		return s, err
	}
	signed, size, err := l.extends(tree)
	if err != nil {
		return s, err
	}
	for book, was := range last {
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
		if was, stated := last[b.Book]; !stated || b.Size > was.Size {
			grown = appendLine(grown, b)
		}
	}
	if claims != "" && (grown != nil || !claimed[claims]) {
		grown = appendLine(grown, Statement{Claims: claims})
	}
	if grown != nil {
		if err := extend(l.file, grown); err != nil {
			return s, err
		}
		leaves = append(leaves, grown...)
		if tree, _, _, err = readStatements(leaves); err != nil {
			return s, err
		}
	}
	if s = (Stated{leaves, signed}); tree.n == size {
		return s, nil
	}
	root, err := tlog.TreeHash(tree.n, tree)
	if err != nil {
		return s, err
	}
	s.Checkpoint, err = note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", l.Origin, tree.n, root)}, l.signer)
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

// load reads the statements. A last one that was torn was never acknowledged.
func (l *Ledger) load() ([]byte, error) {
	b, err := os.ReadFile(l.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	whole := b[:bytes.LastIndexByte(b, '\n')+1]
	if err == nil && len(whole) < len(b) {
		err = os.Truncate(l.file, int64(len(whole)))
	}
	return whole, err
}

// extends gives the last checkpoint and its size, when the statements begin
// with what it was signed over.
func (l *Ledger) extends(t *statements) (checkpoint []byte, size int64, err error) {
	b, err := os.ReadFile(l.signed)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	} else if err != nil {
		return nil, 0, err
	}
	n, err := note.Open(b, note.VerifierList(l.verifier))
	if err != nil {
		return nil, 0, fmt.Errorf("%w: %s: %w", ErrLedger, l.signed, err)
	}
	var root string
	if _, err := fmt.Sscanf(strings.TrimPrefix(n.Text, l.Origin+"\n"), "%d\n%s\n", &size, &root); err != nil {
		return nil, 0, fmt.Errorf("%w: %s: %w", ErrLedger, l.signed, err)
	}
	if size <= t.n {
		is, err := tlog.TreeHash(size, t)
		if err != nil || is.String() == root {
			return b, size, err
		}
	}
	return nil, 0, fmt.Errorf("%w: %s was signed over %d statements, and %s does not begin with them: put back the newest copy of ledger.jsonl", ErrRolledBack, l.signed, size, l.file)
}

// statements are the ledger's tree: its hashes, by tlog's numbers.
type statements struct {
	hashes []tlog.Hash
	n      int64
}

func (t *statements) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	list := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		list[i] = t.hashes[index]
	}
	return list, nil
}

// readStatements makes the tree of lines, and tells each book's last statement, and the
// claims made since any book's.
func readStatements(lines []byte) (t *statements, last map[string]Statement, claimed map[string]bool, err error) {
	t, last, claimed = &statements{}, map[string]Statement{}, map[string]bool{}
	for line := range bytes.Lines(lines) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		var s Statement
		err := json.Unmarshal(line, &s)
		if err == nil && s.Claims == "" && (s.Book == "" || s.Root == nil) {
			err = errors.New("says nothing")
		}
		if err != nil {
			return nil, nil, nil, fmt.Errorf("%w: statement %d: %w", ErrLedger, t.n, err)
		}
		if s.Book != "" {
			last[s.Book], claimed = s, map[string]bool{}
		} else {
			claimed[s.Claims] = true
		}
		hashes, err := tlog.StoredHashes(t.n, line, t)
		if err != nil {
			return nil, nil, nil, err
		}
		t.hashes = append(t.hashes, hashes...)
		t.n++
	}
	return t, last, claimed, nil
}

func appendLine(lines []byte, s Statement) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain data always marshals
	}
	return append(append(lines, b...), '\n')
}

// extend appends to a file, durably.
func extend(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close(), durable.SyncDir(filepath.Dir(path)))
}
