package projections

import (
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/schema"
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

// header appends a leaf: one line of JSON, its fields in alphabetical order, no
// personal data. It has the day and not the time, since what was hashed can't
// be made coarser afterwards.
func (e *Event) header(b []byte, n int64) []byte {
	b = schema.Quote(append(b, `{"book":`...), e.Envelope.Book)
	b = e.Envelope.RecordedAt.UTC().AppendFormat(append(b, `,"day":"`...), time.DateOnly)
	b = append(append(b, `","digest":"`...), e.digest[:]...)
	b = schema.Quote(append(b, `","id":`...), e.Envelope.ID)
	b = strconv.AppendInt(append(b, `,"n":`...), n, 10)
	b = schema.Quote(append(b, `,"name":`...), e.Envelope.Name)
	return append(b, `,"v":1}`...)
}

// disclosure is an event as one string, by which its header's digest can be
// checked: base64url of a salt and of what the store keeps, byte for byte. The
// stream is in it because measures tell streams apart. It is made in b, behind
// what it says.
func (e *Event) disclosure(b []byte) []byte {
	b = schema.Quote(append(b, '['), e.Envelope.Salt)
	b = append(append(b, `,{"meta":`...), e.metadata...)
	b = append(append(b, `,"data":`...), e.Data...)
	b = schema.Quote(append(b, `,"stream":`...), e.Stream)
	b = append(b, "}]"...)
	return base64.RawURLEncoding.AppendEncode(b, b)[len(b):]
}

//go:embed books.sql
var booksSQL string

var books = Projection{Name: "books", Schema: booksSQL, Indexes: wordIndex("books_word"), Prepare: digest, Apply: applyBooks}

// Most disclosures fit in a space, which need not be cleared for each.
var spaces = sync.Pool{New: func() any { return new([8 << 10]byte) }}

func digest(e *Event) error {
	space := spaces.Get().(*[8 << 10]byte)
	defer spaces.Put(space)
	sum := sha256.Sum256(e.disclosure(space[:0]))
	base64.RawURLEncoding.Encode(e.digest[:], sum[:])
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
	hashes := t.add(e)
	if t.size%rowLeaves == 1 {
		t.events, t.hashes = t.events[:0], t.hashes[:0]
	}
	t.events = binary.BigEndian.AppendUint64(t.events, uint64(e.N))
	t.hashes = append(t.hashes, hashes[0][:]...)
	if t.size%rowLeaves != 0 {
		tx.unfinished[book] = t
		return nil
	}
	for _, h := range hashes[rowLevels:] {
		t.hashes = append(t.hashes, h[:]...)
	}
	delete(tx.unfinished, book)
	return t.write(tx.conn, book)
}

// So many leaves are a row: a subtree of so many levels.
const (
	rowLevels = 4
	rowLeaves = 1 << rowLevels
)

// A tree is as much of a Merkle tree as it takes to make it grow: by level,
// the newest subtree that is complete, and the newest row.
type tree struct {
	size           int64
	edge           []tlog.Hash
	added          []tlog.Hash // with the newest leaf
	events, hashes []byte
}

// add makes e the next leaf, and gives the hashes that this adds: the leaf's,
// and that of each larger subtree that it completes.
func (t *tree) add(e *Event) []tlog.Hash {
	var buffer [512]byte
	t.added = append(t.added[:0], sha256.Sum256(e.header(buffer[:1], t.size))) // behind a zero, as RFC 6962 has it
	for level := 0; t.size>>level&1 == 1; level++ {
		t.added = append(t.added, tlog.NodeHash(t.edge[level], t.added[level]))
	}
	if len(t.added) > len(t.edge) {
		t.edge = append(t.edge, tlog.Hash{})
	}
	copy(t.edge, t.added)
	t.size++
	return t.added
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

func (t *tree) write(conn *sqlite.Conn, book int64) error {
	return exec(conn, "INSERT INTO books (book, row, events, hashes) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET events = ?3, hashes = ?4",
		book, (t.size-1)/rowLeaves, t.events, t.hashes)
}

func loadTree(conn *sqlite.Conn, book int64) (*tree, error) {
	t := &tree{}
	err := query(conn, "SELECT row, events, hashes FROM books WHERE book IN (?) ORDER BY row DESC LIMIT 1", func(stmt *sqlite.Stmt) error {
		t.events, t.hashes = column(stmt, 1), column(stmt, 2)
		t.size = stmt.ColumnInt64(0)*rowLeaves + int64(len(t.events)/8)
		return nil
	}, book)
	if err != nil {
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
// kept with the last of the leaves below it, or made of those.
func hashes(conn *sqlite.Conn, book int64) tlog.HashReaderFunc {
	return func(indexes []int64) ([]tlog.Hash, error) {
		list := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			level, n := tlog.SplitStoredHashIndex(index)
			last := (n+1)<<level - 1
			from, count := rowLeaves+level-rowLevels, 1
			if level < rowLevels {
				from, count = int(n<<level%rowLeaves), 1<<level
			}
			var found []tlog.Hash
			err := query(conn, "SELECT hashes FROM books WHERE book = ? AND row = ?", func(stmt *sqlite.Stmt) error {
				for b := column(stmt, 0); len(found) < count && len(b) >= (from+len(found)+1)*tlog.HashSize; {
					found = append(found, tlog.Hash(b[(from+len(found))*tlog.HashSize:]))
				}
				return nil
			}, book, last/rowLeaves)
			if err == nil && len(found) < count {
				err = fmt.Errorf("books: hash %d of event %d is missing", level, last)
			}
			if err != nil {
				return nil, err
			}
			list[i] = subtree(found)
		}
		return list, nil
	}
}

// subtree is the hash of a tree with so many leaves, a power of two.
func subtree(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	half := len(leaves) / 2
	return tlog.NodeHash(subtree(leaves[:half]), subtree(leaves[half:]))
}

// The size of the book whose name is w.
const bookSize = "(SELECT row * 16 + length(events) / 8 FROM books WHERE book = w.id ORDER BY row DESC LIMIT 1)"

// Books lists the books by name, each as long as it is.
func (v *Views) Books(ctx context.Context) (list []Book, err error) {
	err = v.ask(ctx, func(conn *sqlite.Conn) error {
		err := query(conn, "SELECT w.word, "+bookSize+" FROM books_word w ORDER BY w.word", func(stmt *sqlite.Stmt) error {
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
	err = query(conn, "SELECT w.id, "+bookSize+" FROM books_word w WHERE w.word = ?", func(stmt *sqlite.Stmt) error {
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
		numbers := []uint64{}
		err := query(conn, "SELECT b.events FROM books b JOIN books_word w ON w.id = b.book WHERE w.word = ? AND b.row * 16 < ? ORDER BY b.row", func(stmt *sqlite.Stmt) error {
			for b := column(stmt, 0); len(b) >= 8 && int64(len(numbers)) < size; b = b[8:] {
				numbers = append(numbers, binary.BigEndian.Uint64(b))
			}
			return nil
		}, book, size)
		if err != nil {
			return err
		}
		return query(conn, `SELECT h.n, s.word, h.revision FROM json_each(?) b JOIN history h ON h.n = b.value
			JOIN history_word s ON s.id = h.stream ORDER BY b.key`, func(stmt *sqlite.Stmt) error {
			found = append(found, eventPlace{stmt.ColumnInt64(0), stmt.ColumnText(1), uint64(stmt.ColumnInt64(2))})
			return nil
		}, array(numbers))
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
			leaves = append(leaves, Leaf{r.Name, e.header(nil, int64(n)), string(e.disclosure(nil))})
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
		t.add(e)
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
