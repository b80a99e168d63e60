// Package sqlite keeps the log in one SQLite file, for one process at a time.
//
// One append writes at a time, for itself and for all that wait: it decides
// each by itself, commits them together and only then lets them answer. So an
// append costs a share of a disk flush, a lone one costs no change of
// goroutine, and positions are given in commit order, which is why no reader
// ever skips an event. Readers have connections of their own
// and take a page at a time; none of them holds the log while its consumer
// thinks.
//
// When a write goes wrong in a way that can't be undone for certain (disk
// full, a failed flush), the store stops taking appends until it is opened
// again: after a failed flush the operating system may call lost pages clean,
// and to go on would be to acknowledge events on top of a hole. Reads go on.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"zombiezen.com/go/sqlite"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/durable"
)

var (
	// ErrNotLog: the file is there and is something else.
	ErrNotLog = errors.New("not a daybook log")
	// ErrStopped: an earlier write went wrong; only opening the log again
	// tells what was kept.
	ErrStopped = errors.New("takes no more appends until it is opened again, because a write went wrong")
	// ErrReadOnly is the answer to an append to a log opened to be read.
	ErrReadOnly = errors.New("opened to be read only")
)

// Options are for Open; the zero value is what a log in use wants.
type Options struct {
	// Delay is added to every commit, so that a benchmark can stand on a
	// slower disk than it runs on.
	Delay time.Duration
	// ReadOnly opens a log that another process may have open: it takes no
	// appends, and its head stays where it was.
	ReadOnly bool
}

// A Store is an eventstore.Store in a file.
type Store struct {
	path string
	id   uuid.UUID
	lock io.Closer // nil when it only reads

	readers chan *reader // those not reading; opened when first wanted
	ctx     context.Context
	end     context.CancelFunc // of what waits or reads

	gate    sync.RWMutex // held for reading by appends, for writing by Close
	closed  bool
	queue   chan *request // the appends that wait; bounded, so more callers wait for a place
	turn    chan struct{} // full while an append writes
	writer  *writer       // of the append whose turn it is, or of Close
	stopped atomic.Pointer[error]
	counts  counts

	mu    sync.Mutex
	head  int64
	grown chan struct{}         // closed when head moves; nil when nobody waits
	tail  []eventstore.Recorded // the newest events up to head, which others may read without the lock
	bytes int                   // of them
	keeps int                   // of them, at least
}

// Open opens the log at path, making it where there is none. It returns an
// error that is durable.ErrLocked when the log is open already and ErrNotLog when the
// file is not ours.
func Open(path string, o Options) (_ *Store, err error) {
	var l io.Closer
	open := func(path string) (*sqlite.Conn, error) { return connect(path, sqlite.OpenReadOnly) }
	if !o.ReadOnly {
		if l, err = durable.Lock(path); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				l.Close()
			}
		}()
		open = openFile
	}
	conn, err := open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	w, id, err := newWriter(conn, o.Delay)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s := &Store{
		path:    path,
		id:      id,
		lock:    l,
		readers: make(chan *reader, readerCount),
		queue:   make(chan *request, queueLength),
		writer:  w,
		turn:    make(chan struct{}, 1),
		head:    w.last,
		counts:  counts{seed: maphash.MakeSeed()},
		keeps:   tailLength,
	}
	s.ctx, s.end = context.WithCancel(context.Background())
	for range readerCount {
		s.readers <- &reader{path: path}
	}
	if o.ReadOnly {
		s.stopped.Store(&ErrReadOnly)
	}
	return s, nil
}

func (s *Store) ID() uuid.UUID { return s.id }

func (s *Store) Head(ctx context.Context) (eventstore.Position, error) {
	if s.ctx.Err() != nil {
		return eventstore.Position{}, eventstore.ErrClosed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return position(s.head), ctx.Err()
}

// So many of the newest events, and bytes of them, are kept in memory for who
// follows the log, and at most twice as many.
const (
	tailLength = 1 << 10
	tailBytes  = 2 << 20
)

// recent gives the events after a position, unless they are to be read.
func (s *Store) recent(after int64) (events []eventstore.Recorded, known bool) {
	if s.stopped.Load() != nil { // or opened to be read only, beside who writes
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.head - after
	if n > int64(len(s.tail)) {
		return nil, false
	}
	return s.tail[len(s.tail)-int(max(n, 0)):], true
}

// advance publishes what has been committed.
func (s *Store) advance(head int64, events []eventstore.Recorded) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head = head
	for _, e := range events {
		s.tail = append(s.tail, e)
		s.bytes += e.Size()
	}
	for keep := s.keeps; len(s.tail) > 2*keep || s.bytes > 2*tailBytes; keep /= 2 {
		s.tail = slices.Clone(s.tail[len(s.tail)-min(keep, len(s.tail)):]) // others may be reading the old one
		s.bytes = 0
		for _, e := range s.tail {
			s.bytes += e.Size()
		}
	}
	if s.grown != nil {
		close(s.grown)
		s.grown = nil
	}
}

// watch gives the head and a channel that is closed when it has moved on.
func (s *Store) watch() (head int64, grown <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grown == nil {
		s.grown = make(chan struct{})
	}
	return s.head, s.grown
}

// Close waits for appends under way, ends everything else, and gives the file
// back. Closing the writer's connection last moves what is left of the
// write-ahead log into the file.
func (s *Store) Close() error {
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.end()
	for range readerCount {
		(<-s.readers).close()
	}
	err := s.writer.conn.Close()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

func position(n int64) eventstore.Position { return eventstore.NewPosition(uint64(n), uint64(n)) }
