package sqlite

import (
	"context"
	"fmt"
)

// LimitPages makes the file refuse to grow beyond so many pages more than it
// has, as a full disk would. For a store that nobody else uses yet.
func (s *Store) LimitPages(more int) error {
	pages, err := integer(s.writer.conn, "PRAGMA page_count")
	if err != nil {
		return err
	}
	_, err = integer(s.writer.conn, fmt.Sprintf("PRAGMA max_page_count = %d", pages+more))
	return err
}

// DontWait makes a write that finds the file locked give up at once. Likewise.
func (s *Store) DontWait() error { return pragma(s.writer.conn, "busy_timeout = 0") }

// Remember makes the writer's memory small. Likewise.
func (s *Store) Remember(n int) { s.writer.heads.max, s.writer.places.max = n, n }

// KeepNone has who follows the log read the file. Likewise.
func (s *Store) KeepNone() { s.keeps = 0 }

// Kept tells how many events are in memory, and of how many bytes.
func (s *Store) Kept() (events, bytes int) { return len(s.tail), s.bytes }

// Desert fills the queue with appends whose callers have gone away.
func (s *Store) Desert() {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for range queueLength {
		s.queue <- &request{ctx: gone, done: make(chan struct{})}
	}
}
