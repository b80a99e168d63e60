package projections

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/eventstore"
)

// ErrBook is the answer about a book, or a part of one, that is not there.
var ErrBook = domain.Missing("book_unknown", "there is no such book, or it is not so long")

// A Book is a part of the log that is proved as one: its cycle's events, its
// programme's, or the installation's. It is an RFC 6962 Merkle log, whose
// leaves are the headers of its events.
type Book struct {
	Book string
	Size int64
	Root tlog.Hash
}

// A Leaf is an event as its book has it.
type Leaf struct {
	Name       string
	Header     []byte // what is hashed into the tree
	Disclosure string // what the header's digest is of
}

// header is a leaf: one line of JSON, its fields in alphabetical order, no
// personal data. It has the day and not the time, since what was hashed can't
// be made coarser afterwards.
func (e *Event) header(n int64) []byte {
	b := make([]byte, 0, 256)
	b = quoted(append(b, `{"book":`...), e.Envelope.Book)
	b = e.Envelope.RecordedAt.UTC().AppendFormat(append(b, `,"day":"`...), time.DateOnly)
	b = append(append(b, `","digest":"`...), e.digest...)
	b = quoted(append(b, `","id":`...), e.Envelope.ID)
	b = strconv.AppendInt(append(b, `,"n":`...), n, 10)
	b = quoted(append(b, `,"name":`...), e.Envelope.Name)
	return append(b, `,"v":1}`...)
}

// disclosure gives an event as one string, by which its header's digest can be
// checked: base64url of a salt and of what the store keeps, byte for byte. The
// stream is in it because measures tell streams apart.
func (e *Event) disclosure() []byte {
	b := make([]byte, 0, len(e.Envelope.Salt)+len(e.Stream)+len(e.metadata)+len(e.Data)+48)
	b = quoted(append(b, '['), e.Envelope.Salt)
	b = append(append(b, `,{"meta":`...), e.metadata...)
	b = append(append(b, `,"data":`...), e.Data...)
	b = quoted(append(b, `,"stream":`...), e.Stream)
	return base64.RawURLEncoding.AppendEncode(nil, append(b, "}]"...))
}

// quoted appends s as JSON.
func quoted(b []byte, s string) []byte {
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune("\"\\<>&", r) }) {
		text, err := json.Marshal(s)
		if err != nil {
			panic(err) // a string always marshals
		}
		return append(b, text...)
	}
	return append(append(append(b, '"'), s...), '"')
}

//go:embed books.sql
var booksSQL string

var books = Projection{Name: "books", Schema: booksSQL, Indexes: wordIndex("books_word"), Prepare: digest, Apply: applyBooks}

func digest(e *Event) error {
	sum := sha256.Sum256(e.disclosure())
	e.digest = base64.RawURLEncoding.EncodeToString(sum[:])
	return nil
}

func applyBooks(tx *Tx, e *Event) error {
	book, _, err := tx.word("books_word", e.Envelope.Book)
	if err != nil {
		return err
	}
	t := tx.trees[book]
	if t == nil {
		if t, err = loadTree(tx.conn, book); err != nil {
			return err
		}
		tx.trees[book] = t
	}
	n := t.size
	hashes, err := t.add(e)
	if err != nil {
		return err
	}
	blob := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		blob = append(blob, h[:]...)
	}
	return exec(tx.conn, "INSERT INTO books (book, n, event, hashes) VALUES (?, ?, ?, ?)", book, n, e.N, blob)
}

// A tree is as much of a Merkle tree as it takes to make it grow: by level,
// the newest subtree that is complete.
type tree struct {
	size int64
	edge []tlog.Hash
}

// add makes e the next leaf, and gives the hashes that this adds.
func (t *tree) add(e *Event) ([]tlog.Hash, error) {
	hashes, err := tlog.StoredHashes(t.size, e.header(t.size), t)
	if err != nil {
		return nil, err
	}
	for level, h := range hashes {
		if level == len(t.edge) {
			t.edge = append(t.edge, h)
		}
		t.edge[level] = h
	}
	t.size++
	return hashes, nil
}

// ReadHashes serves what growing and the root ask for: nothing but the edge.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		level, _ := tlog.SplitStoredHashIndex(index)
		hashes[i] = t.edge[level]
	}
	return hashes, nil
}

func loadTree(conn *sqlite.Conn, book int64) (*tree, error) {
	t := &tree{}
	if err := query(conn, "SELECT coalesce(max(n) + 1, 0) FROM books WHERE book = ?", number(&t.size), book); err != nil {
		return nil, err
	}
	for level := 0; t.size>>level > 0; level++ {
		h, err := hashes(conn, book)([]int64{tlog.StoredHashIndex(level, t.size>>level-1)})
		if err != nil {
			return nil, err
		}
		t.edge = append(t.edge, h[0])
	}
	return t, nil
}

// hashes reads a book's hashes by tlog's numbers for them. One of a level is
// kept with the last of the leaves below it.
func hashes(conn *sqlite.Conn, book int64) tlog.HashReaderFunc {
	return func(indexes []int64) ([]tlog.Hash, error) {
		list := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			level, n := tlog.SplitStoredHashIndex(index)
			n, found := (n+1)<<level-1, 0
			err := query(conn, "SELECT hashes FROM books WHERE book = ? AND n = ?", func(stmt *sqlite.Stmt) error {
				if b := column(stmt, 0); len(b) >= (level+1)*tlog.HashSize {
					found = copy(list[i][:], b[level*tlog.HashSize:])
				}
				return nil
			}, book, n)
			if err == nil && found == 0 {
				err = fmt.Errorf("books: hash %d of event %d is missing", level, n)
			}
			if err != nil {
				return nil, err
			}
		}
		return list, nil
	}
}

// Books lists the books by name, each as long as it is.
func (v *Views) Books(ctx context.Context) (list []Book, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		err := query(conn, "SELECT w.word, max(b.n) + 1 FROM books b JOIN books_word w ON w.id = b.book GROUP BY w.id ORDER BY w.word", func(stmt *sqlite.Stmt) error {
			list = append(list, Book{Book: stmt.ColumnText(0), Size: stmt.ColumnInt64(1)})
			return nil
		})
		for i := range list {
			if err == nil {
				list[i].Root, err = root(conn, list[i].Book, list[i].Size)
			}
		}
		return err
	})
	return list, err
}

// Root is the root of a book when it was that long.
func (v *Views) Root(ctx context.Context, book string, size int64) (h tlog.Hash, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		h, err = root(conn, book, size)
		return err
	})
	return h, err
}

func root(conn *sqlite.Conn, book string, size int64) (h tlog.Hash, err error) {
	id, has := int64(0), int64(0)
	err = query(conn, "SELECT w.id, max(b.n) + 1 FROM books b JOIN books_word w ON w.id = b.book WHERE w.word = ? GROUP BY w.id", func(stmt *sqlite.Stmt) error {
		id, has = stmt.ColumnInt64(0), stmt.ColumnInt64(1)
		return nil
	}, book)
	if err == nil && (size < 1 || size > has) {
		err = ErrBook.Because(fmt.Sprintf("%s has %d events, not %d", book, has, size))
	}
	if err != nil {
		return h, err
	}
	return tlog.TreeHash(size, hashes(conn, id))
}

// Leaves gives the first events of a book, made from the log's bytes as they
// are now: whether they are still those that the root is of is for whoever
// asks to check.
func (v *Views) Leaves(ctx context.Context, book string, size int64) ([]Leaf, error) {
	var found []eventPlace
	err := v.ask(ctx, func(conn *sqlite.Conn) error {
		return query(conn, `SELECT h.n, s.word, h.revision FROM books b JOIN books_word w ON w.id = b.book
			JOIN history h ON h.n = b.event JOIN history_word s ON s.id = h.stream WHERE w.word = ? AND b.n < ? ORDER BY b.n`, func(stmt *sqlite.Stmt) error {
			found = append(found, eventPlace{stmt.ColumnInt64(0), stmt.ColumnText(1), uint64(stmt.ColumnInt64(2))})
			return nil
		}, book, size)
	})
	if err == nil && int64(len(found)) != size {
		err = ErrBook.Because(fmt.Sprintf("%s has %d events, not %d", book, len(found), size))
	}
	if err != nil {
		return nil, err
	}
	leaves := make([]Leaf, 0, size)
	for n, at := range found {
		for r, err := range v.store.ReadStream(ctx, at.stream, eventstore.ReadStream{From: at.revision, Limit: 1}) {
			if err != nil {
				return nil, fmt.Errorf("%s, event %d: %w", book, n, err)
			}
			e, err := bookEvent(r, at.n)
			if err != nil {
				return nil, err
			}
			leaves = append(leaves, Leaf{r.Name, e.header(int64(n)), string(e.disclosure())})
		}
	}
	return leaves, nil
}

func bookEvent(r eventstore.Recorded, n int64) (*Event, error) {
	e := &Event{}
	if err := new(envelopes).event(r, n, e); err != nil {
		return nil, err
	}
	e.metadata = r.Metadata
	return e, digest(e)
}

// Recount lists the books as the log alone gives them, without any view: as
// long as they are, and before that at those of these sizes, by book, that they
// had.
func Recount(ctx context.Context, store eventstore.Store, sizes map[string]map[int64]bool) (list []Book, err error) {
	trees := map[string]*tree{}
	for r, err := range store.ReadAll(ctx, eventstore.ReadAll{}) {
		if err != nil {
			return nil, fmt.Errorf("recount the books: %w", err)
		}
		e, err := bookEvent(r, 0)
		if err != nil {
			return nil, err
		}
		book := e.Envelope.Book
		t := trees[book]
		if t == nil {
			t = &tree{}
			trees[strings.Clone(book)] = t
		} else if sizes[book][t.size] {
			if list, err = t.list(list, book); err != nil {
				return nil, err
			}
		}
		if _, err := t.add(e); err != nil {
			return nil, err
		}
	}
	for book, t := range trees {
		if list, err = t.list(list, book); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(list, func(a, b Book) int {
		return cmp.Or(strings.Compare(a.Book, b.Book), cmp.Compare(a.Size, b.Size))
	})
	return list, nil
}

func (t *tree) list(list []Book, book string) ([]Book, error) {
	root, err := tlog.TreeHash(t.size, t)
	return append(list, Book{strings.Clone(book), t.size, root}), err
}
