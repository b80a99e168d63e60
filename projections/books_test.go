package projections_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/projections"
)

// The books are made again with the library's plainest means: every header
// hashed, every subtree made from the two below it.
func TestEveryEventIsInOneBookWhoseRootIsItsHeaders(t *testing.T) {
	t.Parallel()
	store, v := setup(t)
	books, err := v.Books(t.Context())
	require.NoError(t, err)
	head, err := store.Head(t.Context())
	require.NoError(t, err)
	var names []string
	events := int64(0)
	for _, b := range books {
		names = append(names, b.Book)
		events += b.Size
		leaves, err := v.Leaves(t.Context(), b.Book, b.Size)
		require.NoError(t, err)
		require.Len(t, leaves, int(b.Size))
		var hashes []tlog.Hash
		for n, leaf := range leaves {
			hashes = append(hashes, tlog.RecordHash(leaf.Header))
			h, err := v.Root(t.Context(), b.Book, int64(n+1))
			require.NoError(t, err)
			require.Equal(t, merkle(hashes), h, "%s at %d", b.Book, n+1)
		}
		require.Equal(t, merkle(hashes), b.Root)
		_, err = v.Root(t.Context(), b.Book, b.Size+1)
		require.ErrorIs(t, err, projections.ErrBook)
		_, err = v.Leaves(t.Context(), b.Book, b.Size+1)
		require.ErrorIs(t, err, projections.ErrBook)
	}
	require.Equal(t, []string{"cycle/" + autumn, "programme/nemo-121"}, names)
	require.Equal(t, int64(head.Commit()), events)
	_, err = v.Root(t.Context(), "cycle/nowhere", 1)
	require.ErrorIs(t, err, domain.NotFound)
	_, err = v.Root(t.Context(), names[0], 0)
	require.ErrorIs(t, err, projections.ErrBook)
}

// merkle is RFC 6962's definition of a tree's hash.
func merkle(leaves []tlog.Hash) tlog.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	return tlog.NodeHash(merkle(leaves[:k]), merkle(leaves[k:]))
}

func TestAHeaderIsOneLineAndItsDisclosureIsWhatIsStored(t *testing.T) {
	t.Parallel()
	store, v := setup(t)
	leaves, err := v.Leaves(t.Context(), "cycle/"+autumn, 20)
	require.NoError(t, err)
	n := 0
	for r, err := range store.ReadAll(t.Context(), eventstore.ReadAll{}) {
		require.NoError(t, err)
		env, err := schema.DecodeEnvelope(r.Metadata)
		require.NoError(t, err)
		if env.Book != "cycle/"+autumn || n == len(leaves) {
			continue
		}
		want := `["` + env.Salt + `",{"meta":` + string(r.Metadata) + `,"data":` + string(r.Data) + `,"stream":"` + r.Stream + `"}]`
		got, err := base64.RawURLEncoding.DecodeString(leaves[n].Disclosure)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
		sum := sha256.Sum256([]byte(leaves[n].Disclosure))
		require.Equal(t, `{"book":"`+env.Book+`","day":"`+env.RecordedAt.Format("2006-01-02")+`","digest":"`+base64.RawURLEncoding.EncodeToString(sum[:])+
			`","id":"`+r.ID.String()+`","n":`+string(must(json.Marshal(n)))+`,"name":"`+r.Name+`","v":1}`, string(leaves[n].Header))
		n++
	}
	require.Equal(t, 20, n)
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestTheSameLogHasTheSameRootsOnEveryStore(t *testing.T) {
	t.Parallel()
	facts := season(t)
	inMemory := memory.New()
	inFile, err := sqlite.Open(filepath.Join(t.TempDir(), "log.db"), sqlite.Options{})
	require.NoError(t, err)
	defer inFile.Close()
	write(t, inMemory, facts)
	write(t, inFile, facts)
	want, err := views(t, inMemory).Books(t.Context())
	require.NoError(t, err)
	for _, store := range []eventstore.Store{inMemory, inFile} {
		got, err := views(t, store).Books(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, got)
		got, err = projections.Recount(t.Context(), store, nil)
		require.NoError(t, err)
		require.Equal(t, want, got, "also without views")
		got, err = projections.Recount(t.Context(), store, map[string]map[int64]bool{want[0].Book: {1: true, 7: true, want[0].Size: true, want[0].Size + 1: true}})
		require.NoError(t, err)
		for _, b := range got {
			root, err := views(t, store).Root(t.Context(), b.Book, b.Size)
			require.NoError(t, err)
			require.Equal(t, root, b.Root, "also in the past")
		}
		require.Equal(t, []int64{1, 7, want[0].Size, want[1].Size}, []int64{got[0].Size, got[1].Size, got[2].Size, got[3].Size})
		require.Len(t, got, 4)
	}
}

// A root speaks of every byte of every event, and of their order.
func TestAnyChangeOfTheLogIsAnotherRoot(t *testing.T) {
	t.Parallel()
	_, v := setup(t)
	was, err := v.Books(t.Context())
	require.NoError(t, err)
	for name, change := range map[string]func([]fact) []fact{
		"data":     func(f []fact) []fact { f[100].event.Data = append(f[100].event.Data, ' '); return f },
		"metadata": func(f []fact) []fact { f[100].event.Metadata = append(f[100].event.Metadata, ' '); return f },
		"stream": func(f []fact) []fact {
			last := &f[len(f)-1]
			last.stream = strings.Replace(last.stream, "-", "-x", 1)
			return f
		},
		"one less": func(f []fact) []fact { return f[:len(f)-1] },
		"order": func(f []fact) []fact {
			for i := len(f) - 1; ; i-- {
				if f[i].stream != f[i-1].stream {
					f[i], f[i-1] = f[i-1], f[i]
					return f
				}
			}
		},
	} {
		store := memory.New()
		write(t, store, change(slices.Clone(season(t))))
		is, err := projections.Recount(t.Context(), store, nil)
		require.NoError(t, err, name)
		require.NotEqual(t, was[0].Root, is[0].Root, name)
	}
}
