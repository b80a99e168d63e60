package vault_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore/vault"
)

func text(i int64) vault.Secret {
	return vault.Secret{Digest: fmt.Sprintf("%043d", i), Subjects: []string{fmt.Sprint("person ", i%100)}, Kind: "personal", Readers: "pair", Salt: []byte("0123456789abcdef"), Text: strings.Repeat("x", 800)}
}

// BenchmarkPut stores a text of 800 bytes, durably.
func BenchmarkPut(b *testing.B) {
	v := vault.Home{Dir: b.TempDir()}.Open(b)
	var n int64
	for b.Loop() {
		n++
		require.NoError(b, v.Put(b.Context(), text(n)))
	}
}

// BenchmarkPutTogether is 64 callers for each processor sharing commits.
func BenchmarkPutTogether(b *testing.B) {
	v := vault.Home{Dir: b.TempDir()}.Open(b)
	var n atomic.Int64
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := v.Put(b.Context(), text(n.Add(1))); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkReveal opens a text of 800 bytes.
func BenchmarkReveal(b *testing.B) {
	v := vault.Home{Dir: b.TempDir()}.Open(b)
	for i := range int64(1000) {
		require.NoError(b, v.Put(b.Context(), text(i)))
	}
	var n int64
	for b.Loop() {
		n++
		_, err := v.Reveal(b.Context(), text(n%1000).Digest)
		require.NoError(b, err)
	}
}
