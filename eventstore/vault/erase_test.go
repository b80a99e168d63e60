package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/durable"
)

func opened(t *testing.T, o Options) *Vault {
	t.Helper()
	v, err := Open(o)
	require.NoError(t, err)
	return v
}

func text(words string, subjects ...string) Secret {
	sum := sha256.Sum256([]byte(words))
	return Secret{Digest: hex.EncodeToString(sum[:]), Subjects: subjects, Kind: "personal", Readers: "pair", Salt: []byte("salt of " + words), Text: words}
}

var ada, both, bob = text("about ada alone", "ada"), text("about ada and bob", "bob", "ada"), text("about bob alone", "bob")

// filled is a vault with texts about two people, and what of them must be
// found in no file once Ada is erased.
func filled(t *testing.T, h Home) (v *Vault, secret [][]byte) {
	v = opened(t, h.Options())
	require.NoError(t, v.Put(t.Context(), ada, both, bob))
	require.NoError(t, v.SetHandle(t.Context(), "ada-l", "ada"))
	require.NoError(t, v.SetHandle(t.Context(), "bob-b", "bob"))
	secret = append(secret, v.tag("person", "ada"), v.tag("handle", "ada-l"))
	for _, s := range []Secret{ada, both} {
		r, err := v.row(t.Context(), s.Digest)
		require.NoError(t, err)
		secret = append(secret, []byte(s.Text), s.Salt, r.sealed)
	}
	key, err := v.keys.get(keyID{"ada", newest})
	require.NoError(t, err)
	master, err := os.ReadFile(v.keyFile)
	require.NoError(t, err)
	return v, append(secret, key.key, bytes.TrimSpace(master))
}

// gone tells that Ada is erased from a vault and from every file of it, and
// that Bob is not.
func gone(t *testing.T, v *Vault, h Home, secret [][]byte) {
	t.Helper()
	for _, s := range []Secret{ada, both} {
		_, err := v.Reveal(t.Context(), s.Digest)
		require.ErrorIs(t, err, ErrErased)
		require.ErrorIs(t, v.Put(t.Context(), s), ErrErased, "a fence stands")
	}
	require.ErrorIs(t, v.SetHandle(t.Context(), "ada-l", "ada"), ErrErased)
	_, err := v.Person(t.Context(), "ada-l")
	require.ErrorIs(t, err, ErrNotFound)
	again, err := v.Reveal(t.Context(), bob.Digest)
	require.NoError(t, err)
	require.Equal(t, bob, again)
	person, err := v.Person(t.Context(), "bob-b")
	require.NoError(t, err)
	require.Equal(t, "bob", person)
	require.NoError(t, v.Put(t.Context(), text("more about bob", "bob")))
	require.NoError(t, v.Check(t.Context(), func(_ []byte, words string) string { return text(words).Digest }, nil))
	for name, content := range h.Stored(t) {
		for i, s := range secret {
			require.False(t, strings.Contains(content, string(s)), "%s has secret %d", name, i)
		}
	}
}

func TestEraseLeavesNothingOfOnePersonAndAllOfTheOthers(t *testing.T) {
	Each(t, func(t *testing.T, h Home) {
		v, secret := filled(t, h)
		for range 2 { // again changes nothing
			texts, err := v.Erase(t.Context(), "ada")
			require.NoError(t, err)
			require.Equal(t, 2, texts)
			gone(t, v, h, secret)
		}
		require.NoError(t, v.Close())
		v = opened(t, h.Options())
		gone(t, v, h, secret)
		texts, err := v.Erase(t.Context(), "eve")
		require.NoError(t, err, "of whom there is nothing")
		require.Zero(t, texts)
		require.NoError(t, v.Close())
		_, err = v.Erase(t.Context(), "bob")
		require.ErrorIs(t, err, ErrClosed)
	})
}

// steps are those of an erasure, each as if the process were killed after it.
var steps = []func(v *Vault, f fence) error{
	func(v *Vault, _ fence) error { _, err := nextMasterKey(v.keyFile); return err },
	func(v *Vault, f fence) error { return v.register.add(f) },
	func(v *Vault, f fence) error { return v.keys.destroy(f, "ada") },
	func(v *Vault, f fence) error { return v.deleteTexts(f, "ada") },
	func(v *Vault, _ fence) error {
		old := &Vault{keys: &keyring{handles: v.keys.handles}}
		next, err := nextMasterKey(v.keyFile)
		v.keys.use(next)
		if err == nil {
			err = v.retag(old)
		}
		return err
	},
	func(v *Vault, _ fence) error {
		old, err := masterKey(v.keyFile, false)
		if err == nil {
			err = v.keys.rewrap(derive(old, "wrapping"))
		}
		return err
	},
	func(v *Vault, _ fence) error { return errors.Join(v.texts.forget(), v.keys.db.forget()) },
	func(v *Vault, _ fence) error { return os.WriteFile(v.keyFile, make([]byte, 65), 0o600) },
	func(v *Vault, _ fence) error { return os.Rename(v.keyFile+nextSuffix, v.keyFile) },
}

// An erasure that is killed after any of its steps is finished when the vault
// is opened, or by asking again.
func TestAnErasureCutShortIsFinished(t *testing.T) {
	Each(t, func(t *testing.T, h Home) {
		for n := range len(steps) + 1 {
			t.Run(fmt.Sprintf("after step %d", n), func(t *testing.T) {
				t.Parallel()
				h := h.New(t)
				v, secret := filled(t, h)
				f := newFence("ada")
				for _, step := range steps[:n] {
					require.NoError(t, step(v, f))
				}
				require.NoError(t, v.Close())
				v, err := Open(h.Options())
				if n == 2 { // promised, and not begun
					require.ErrorIs(t, err, ErrRegister)
					o := h.Options()
					o.Replay = true
					v, err = Open(o)
				}
				require.NoError(t, err)
				defer v.Close()
				_, err = os.Stat(v.keyFile + nextSuffix)
				require.ErrorIs(t, err, fs.ErrNotExist)
				if n < 2 {
					again, err := v.Reveal(t.Context(), both.Digest)
					require.NoError(t, err)
					require.Equal(t, both, again)
				} else {
					gone(t, v, h, secret)
				}
				_, err = v.Erase(t.Context(), "ada")
				require.NoError(t, err)
				gone(t, v, h, secret)
			})
		}
	})
}

// Nobody else finishes what another process is at: not who would write, and
// not who only reads, and the master key survives both.
func TestAnErasureIsLeftToWhoIsAtIt(t *testing.T) {
	Each(t, func(t *testing.T, h Home) {
		for n := range len(steps) {
			t.Run(fmt.Sprintf("after step %d", n), func(t *testing.T) {
				t.Parallel()
				h := h.New(t)
				reading := h.Options()
				reading.ReadOnly = true
				v, secret := filled(t, h)
				reader := opened(t, reading)
				defer reader.Close()
				f := newFence("ada")
				for i, step := range steps[:n] {
					require.NoError(t, step(v, f), i)
				}
				before, err := os.ReadFile(v.keyFile)
				require.NoError(t, err)
				_, err = Open(h.Options())
				require.ErrorIs(t, err, durable.ErrLocked)
				switch during, err := Open(reading); n {
				case 0:
					require.NoError(t, err)
					require.NoError(t, during.Close())
				default:
					require.ErrorIs(t, err, ErrErasing)
					require.NotErrorIs(t, err, ErrDamaged)
				}
				after, err := os.ReadFile(v.keyFile)
				require.NoError(t, err)
				require.Equal(t, before, after)
				for _, step := range steps[n:] {
					require.NoError(t, step(v, f))
				}

				_, err = reader.Reveal(t.Context(), both.Digest)
				require.ErrorIs(t, err, ErrErased)
				_, err = reader.Reveal(t.Context(), bob.Digest)
				require.ErrorIs(t, err, ErrErasing, "its keys are under another master key by now")
				_, err = reader.Person(t.Context(), "bob-b")
				require.ErrorIs(t, err, ErrErasing)
				err = reader.Check(t.Context(), func(_ []byte, words string) string { return text(words).Digest }, nil)
				require.ErrorIs(t, err, ErrErasing)
				require.NotErrorIs(t, err, ErrDamaged)
				require.NoError(t, reader.Close())
				require.NoError(t, v.Close())
				v = opened(t, h.Options())
				defer v.Close()
				gone(t, v, h, secret)
			})
		}
	})
}

func TestTheMasterKeyIsReplacedByNoneButTheOneThatOpensTheKeys(t *testing.T) {
	Each(t, func(t *testing.T, h Home) {
		v, _ := filled(t, h)
		key, err := os.ReadFile(v.keyFile)
		require.NoError(t, err)
		for says, next := range map[string]string{"is missing": "", "32 bytes": "torn", "does not open " + v.keys.db.name(): fmt.Sprintf("%064d\n", 1)} {
			if next != "" {
				require.NoError(t, os.WriteFile(v.keyFile+nextSuffix, []byte(next), 0o600))
			}
			err := v.replaceMasterKey()
			require.ErrorIs(t, err, ErrMasterKey)
			require.ErrorContains(t, err, says)
			now, err := os.ReadFile(v.keyFile)
			require.NoError(t, err)
			require.Equal(t, key, now)
			_ = os.Remove(v.keyFile + nextSuffix)
		}
		// The same key in both places is one that was put there meanwhile.
		require.NoError(t, os.WriteFile(v.keyFile+nextSuffix, key, 0o600))
		require.NoError(t, v.replaceMasterKey())
		now, err := os.ReadFile(v.keyFile)
		require.NoError(t, err)
		require.Equal(t, key, now)
		require.NoError(t, v.Close())
	})
}

// What is deleted stays in SQLite's write-ahead log, or in PostgreSQL's tables,
// while somebody reads it.
func TestAnErasureIsNotDoneWhileDeletedTextsAreRead(t *testing.T) {
	Each(t, func(t *testing.T, h Home) {
		v, secret := filled(t, h)
		switch db := v.texts.(type) {
		case *file:
			db.conn.SetBusyTimeout(0)
		case *schema:
			_, err := db.conn.Exec(t.Context(), "SET lock_timeout = 1")
			require.NoError(t, err)
		}
		reader, done := h.conn(t, "vault")
		_, err := reader.exec("BEGIN")
		require.NoError(t, err)
		var texts int64
		require.NoError(t, reader.query("SELECT count(*) FROM secret", nil, []any{&texts}, nil))
		for range 2 {
			_, err = v.Erase(t.Context(), "ada")
			require.ErrorContains(t, err, "ask for the erasure again")
			require.FileExists(t, v.keyFile+nextSuffix)
		}
		done()
		n, err := v.Erase(t.Context(), "ada")
		require.NoError(t, err)
		require.Equal(t, 2, n)
		gone(t, v, h, secret)
		require.NoError(t, v.Close())
	})
}

func TestAVaultOpenedToBeReadChangesNothing(t *testing.T) {
	Each(t, func(t *testing.T, h Home) {
		empty := filepath.Join(t.TempDir(), "nowhere")
		_, err := Open(Options{Dir: empty, Database: h.Database, ReadOnly: true})
		require.Error(t, err)
		require.NoDirExists(t, empty)

		v, _ := filled(t, h)
		require.NoError(t, v.register.add(newFence("ada")), "an erasure that was cut short")
		require.NoError(t, v.Close())
		o := h.Options()
		o.ReadOnly, o.Replay = true, true
		_, err = Open(o)
		require.ErrorIs(t, err, ErrRegister)
		require.NoError(t, os.Remove(v.register.path))
		v = opened(t, o)
		defer v.Close()
		require.ErrorIs(t, v.Put(t.Context(), ada), ErrReadOnly)
		require.ErrorIs(t, v.SetHandle(t.Context(), "eve", "eve"), ErrReadOnly)
		_, err = v.Erase(t.Context(), "ada")
		require.ErrorIs(t, err, ErrReadOnly)
		require.NoFileExists(t, v.keyFile+nextSuffix)
		require.NoFileExists(t, v.register.path)
		got, err := v.Reveal(t.Context(), both.Digest)
		require.NoError(t, err)
		require.Equal(t, both, got)
	})
}

// restored is a vault as it was before two erasures, a copy of the register that
// has them, and what of Ada must be found no more once it is replayed.
func restored(t *testing.T, h Home) (copied Home, o Options, secret [][]byte) {
	v, secret := filled(t, h)
	require.NoError(t, v.Close())
	copied = h.Copy(t)
	v = opened(t, h.Options())
	_, err := v.Erase(t.Context(), "ada")
	require.NoError(t, err)
	_, err = v.Erase(t.Context(), "eve") // of whom the copy knows nothing
	require.NoError(t, err)
	require.NoError(t, v.Close())
	o = copied.Options()
	o.Copy = filepath.Join(h.Dir, "erasures.jsonl")
	return copied, o, secret
}

func TestAnOlderCopyStaysShutUntilTheRegisterIsReplayed(t *testing.T) {
	Each(t, func(t *testing.T, h Home) {
		h, o, secret := restored(t, h)
		o.Register, o.Copy = o.Copy, ""
		for range 2 {
			_, err := Open(o)
			require.ErrorIs(t, err, ErrRegister)
			require.ErrorContains(t, err, "2 of ")
		}
		o.Replay = true
		v := opened(t, o)
		for _, who := range []string{"ada", "eve"} {
			erased, err := v.Erased(who)
			require.NoError(t, err)
			require.True(t, erased)
		}
		gone(t, v, h, secret)
		require.NoError(t, v.Close())
		o.Replay = false
		v = opened(t, o)
		require.NoError(t, v.Close())
	})
}

// keys.db may be an older copy than vault.db, and not know whom that knows.
func TestWhoHasNoKeyIsReplayedToo(t *testing.T) {
	Each(t, func(t *testing.T, h Home) {
		for _, texts := range []bool{true, false} {
			h, o, secret := restored(t, h.New(t))
			o.Register, o.Copy = o.Copy, ""
			require.NoError(t, h.Exec(t, "keys", "DELETE FROM dek WHERE subject = 'ada'"))
			if !texts {
				require.NoError(t, h.Exec(t, "vault", "DELETE FROM secret WHERE 'ada' IN (subject, second)"))
			}
			o.Replay = true
			v := opened(t, o)
			_, err := v.Person(t.Context(), "ada-l")
			require.ErrorIs(t, err, ErrNotFound)
			if texts {
				gone(t, v, h, secret)
			}
			require.NoError(t, v.Close())
		}
	})
}

// What a copy of the register has is in the vault's own before a key goes, and
// stays there beside what is erased later.
func TestARegistersCopyIsReplayedIntoTheRegister(t *testing.T) {
	Each(t, func(t *testing.T, h Home) {
		h, o, secret := restored(t, h)
		own := register{filepath.Join(o.Dir, "erasures.jsonl")}
		copied, err := register{o.Copy}.read()
		require.NoError(t, err)

		v := opened(t, o) // without Replay, which alone asks for the copy
		require.NoError(t, v.Close())
		o.Replay = true
		require.NoError(t, os.Mkdir(own.path, 0o700))
		_, err = Open(o)
		require.ErrorContains(t, err, "register of erasures")
		require.NoError(t, os.Remove(own.path))
		v = opened(t, h.Options())
		got, err := v.Reveal(t.Context(), both.Digest)
		require.NoError(t, err, "what could not be written down is not carried out")
		require.Equal(t, both, got)
		require.NoError(t, v.Close())

		require.NoError(t, own.add(copied[0]), "and cut short there")
		_, err = Open(h.Options())
		require.ErrorIs(t, err, ErrRegister)
		for range 2 {
			v = opened(t, o)
			gone(t, v, h, secret)
			list, err := own.read()
			require.NoError(t, err)
			require.Equal(t, copied, list)
			require.NoError(t, v.Close())
		}
		v = opened(t, h.Options())
		_, err = v.Erase(t.Context(), "bob")
		require.NoError(t, err)
		require.NoError(t, v.Close())
		list, err := own.read()
		require.NoError(t, err)
		require.Len(t, list, 3)
	})
}

func TestALostRegisterIsWrittenAnew(t *testing.T) {
	Each(t, func(t *testing.T, h Home) {
		v, _ := filled(t, h)
		_, err := v.Erase(t.Context(), "ada")
		require.NoError(t, err)
		require.NoError(t, v.Close())
		elsewhere := register{filepath.Join(t.TempDir(), "kept.jsonl")}
		v = opened(t, Options{Dir: h.Dir, Database: h.Database, Register: elsewhere.path})
		list, err := elsewhere.read()
		require.NoError(t, err)
		require.Equal(t, v.keys.fences, list)
		require.NoError(t, v.Close())
	})
}

func TestWithoutTheOldMasterKeyAnOlderCopyOfKeysStaysShut(t *testing.T) {
	Each(t, func(t *testing.T, h Home) {
		v, _ := filled(t, h)
		require.NoError(t, v.Close())
		copied := h.Copy(t)
		v = opened(t, h.Options())
		_, err := v.Erase(t.Context(), "ada")
		require.NoError(t, err)
		require.NoError(t, v.Close())
		_, err = Open(Options{Dir: copied.Dir, Database: copied.Database, KeyFile: v.keyFile})
		require.ErrorIs(t, err, ErrMasterKey)
	})
}

func TestARegisterIsReadWholeOrTold(t *testing.T) {
	t.Parallel()
	r := register{filepath.Join(t.TempDir(), "erasures.jsonl")}
	list, err := r.read()
	require.NoError(t, err)
	require.Empty(t, list)
	first, second := newFence("ada"), newFence("bob")
	require.NoError(t, r.add(first))
	whole, err := os.ReadFile(r.path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(r.path, append(whole, whole[:20]...), 0o600), "a crash")
	list, err = r.read()
	require.NoError(t, err)
	require.Equal(t, []fence{first}, list)
	require.NoError(t, r.add(second))
	list, err = r.read()
	require.NoError(t, err)
	require.Equal(t, []fence{first, second}, list)
	require.NoError(t, os.WriteFile(r.path, []byte("{}\n"), 0o600))
	_, err = r.read()
	require.ErrorContains(t, err, "line 1: expected an object with salt and tag")
}

func TestAnErasureThatCannotBeWrittenDownIsNotBegun(t *testing.T) {
	Each(t, func(t *testing.T, h Home) {
		v := h.Open(t)
		for _, subject := range []string{"", "a\x00b", "\xff"} {
			_, err := v.Erase(t.Context(), subject)
			require.ErrorIs(t, err, eventstore.ErrInvalid)
		}
		require.NoError(t, v.Close())
		h.Open(t)
	})
}
