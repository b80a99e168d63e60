package vault_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/vault"
)

// digest is the rule of RFC 9901, as package domain has it.
func digest(salt []byte, text string) string {
	pair, _ := json.Marshal([2]string{base64.RawURLEncoding.EncodeToString(salt), text})
	sum := sha256.Sum256([]byte(base64.RawURLEncoding.EncodeToString(pair)))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func secret(text string, subjects ...string) vault.Secret {
	salt := []byte("salt of " + text)
	return vault.Secret{Digest: digest(salt, text), Subjects: subjects, Kind: "personal", Readers: "pair", Salt: salt, Text: text}
}

func TestWhatIsPutIsRevealed(t *testing.T) {
	vault.Each(t, func(t *testing.T, h vault.Home) {
		v := h.Open(t)
		secrets := []vault.Secret{secret("about ada", "ada"), secret("", "ada"), secret("about both", "bob", "ada"), secret("ünïcode \x00", "eve")}
		require.NoError(t, v.Put(t.Context(), secrets...))
		require.NoError(t, v.Put(t.Context()), "nothing to put")

		check := func(v *vault.Vault) {
			for _, want := range secrets {
				got, err := v.Reveal(t.Context(), want.Digest)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
			_, err := v.Reveal(t.Context(), "nothing")
			require.ErrorIs(t, err, vault.ErrNotFound)
		}
		check(v)
		beside, err := vault.Open(vault.Options{Dir: h.Dir, Database: h.Database, ReadOnly: true})
		require.NoError(t, err)
		check(beside)
		require.NoError(t, beside.Close())
		require.NoError(t, v.Close())
		check(h.Open(t))
	})
}

func TestAKilledVaultOpensWithAllThatWasPut(t *testing.T) {
	t.Parallel()
	dir, after := t.TempDir(), t.TempDir()
	v := vault.Home{Dir: dir}.Open(t)
	s := secret("about ada", "ada", "bob")
	require.NoError(t, v.Put(t.Context(), s))
	require.NoError(t, os.CopyFS(after, os.DirFS(dir))) // what a killed process leaves
	require.FileExists(t, filepath.Join(after, "vault.db-wal"))
	require.NoError(t, os.Chmod(filepath.Join(after, "master.key"), 0o600)) // CopyFS widens it
	got, err := vault.Home{Dir: after}.Open(t).Reveal(t.Context(), s.Digest)
	require.NoError(t, err)
	require.Equal(t, s, got)
}

func TestWhatIsThereStaysAsItIs(t *testing.T) {
	vault.Each(t, func(t *testing.T, h vault.Home) {
		v := h.Open(t)
		s := secret("about ada", "ada")
		require.NoError(t, v.Put(t.Context(), s))
		other := s
		other.Text, other.Subjects = "forged", []string{"bob"}
		require.NoError(t, v.Put(t.Context(), other, s))
		got, err := v.Reveal(t.Context(), s.Digest)
		require.NoError(t, err)
		require.Equal(t, s, got)

		require.NoError(t, v.SetHandle(t.Context(), "c1", "ada"))
		require.ErrorContains(t, h.Exec(t, "vault", "UPDATE secret SET readers = 'public'"), "never changed")
		require.ErrorContains(t, h.Exec(t, "vault", "UPDATE handle SET tag = person"), "never changed")
		require.NoError(t, h.Exec(t, "vault", "DELETE FROM secret"), "deletable")
		_, err = v.Reveal(t.Context(), s.Digest)
		require.ErrorIs(t, err, vault.ErrNotFound)
	})
}

func TestASecretIsAboutOneOrTwoPeople(t *testing.T) {
	vault.Each(t, func(t *testing.T, h vault.Home) {
		v := h.Open(t)
		for _, subjects := range [][]string{nil, {""}, {"ada", "ada"}, {"ada", ""}, {"ada", "bob", "eve"}} {
			err := v.Put(t.Context(), secret("good", "ada"), secret("bad", subjects...))
			require.ErrorContains(t, err, "one or two people")
			require.ErrorIs(t, err, eventstore.ErrInvalid)
		}
		require.Error(t, v.Put(t.Context(), vault.Secret{Subjects: []string{"ada"}}))
		for _, subject := range []string{"a\x00", "\xff"} {
			require.ErrorIs(t, v.Put(t.Context(), secret("good", "ada"), secret("bad", "ada", subject)), eventstore.ErrInvalid)
		}
		_, err := v.Reveal(t.Context(), secret("good", "ada").Digest)
		require.ErrorIs(t, err, vault.ErrNotFound, "all or none")
	})
}

func TestAHandleFindsOnePerson(t *testing.T) {
	vault.Each(t, func(t *testing.T, h vault.Home) {
		v := h.Open(t)
		require.NoError(t, v.SetHandle(t.Context(), "c1", "ada"))
		require.NoError(t, v.SetHandle(t.Context(), "c2", "ada"))
		require.NoError(t, v.SetHandle(t.Context(), "c1", "ada"), "again")
		require.ErrorIs(t, v.SetHandle(t.Context(), "c1", "bob"), vault.ErrTaken)
		require.Error(t, v.SetHandle(t.Context(), "", "bob"))
		require.NoError(t, v.Close())
		v = h.Open(t)
		person, err := v.Person(t.Context(), "c1")
		require.NoError(t, err)
		require.Equal(t, "ada", person)
		_, err = v.Person(t.Context(), "c3")
		require.ErrorIs(t, err, vault.ErrNotFound)
	})
}

func TestNoWordReachesTheDisk(t *testing.T) {
	vault.Each(t, func(t *testing.T, h vault.Home) {
		v := h.Open(t)
		const canary, salt, handle, person = "canary sings", "salt of the earth", "goldfinch", "person-of-the-handle"
		for i := range 50 {
			text := strings.Repeat(canary+" ", 1+i*20)
			require.NoError(t, v.Put(t.Context(), vault.Secret{
				Digest: fmt.Sprint("digest ", i), Subjects: []string{fmt.Sprint("p", i), "q"}, Kind: "special", Readers: "author", Salt: []byte(salt), Text: text,
			}))
		}
		require.NoError(t, v.SetHandle(t.Context(), handle, person))
		killed := h.Stored(t) // with SQLite's write-ahead log
		require.NoError(t, v.Close())
		v = h.Open(t)
		got, err := v.Reveal(t.Context(), "digest 0")
		require.NoError(t, err)
		require.Contains(t, got.Text, canary)
		if h.Database == "" {
			require.NotEmpty(t, killed[filepath.Join(h.Dir, "vault.db-wal")])
		}
		for _, in := range []map[string]string{h.Stored(t), killed} {
			for _, word := range []string{canary, salt, handle, person} {
				require.Empty(t, find(in, word), word)
			}
			require.NotEmpty(t, find(in, "special"), "the search finds what is there")
		}
	})
}

func forms(word string) map[string][]byte {
	m := map[string][]byte{"utf-8": []byte(word), "hex": []byte(hex.EncodeToString([]byte(word))), "HEX": []byte(strings.ToUpper(hex.EncodeToString([]byte(word))))}
	var little, big []byte
	for _, u := range utf16.Encode([]rune(word)) {
		little, big = append(little, byte(u), byte(u>>8)), append(big, byte(u>>8), byte(u))
	}
	m["utf-16le"], m["utf-16be"] = little, big
	// Base64 shifts with where the word begins: leave out what its
	// neighbours change.
	for shift := range 3 {
		padded := append(make([]byte, shift), word...)
		for name, e := range map[string]*base64.Encoding{"base64": base64.RawStdEncoding, "base64url": base64.RawURLEncoding} {
			text := e.EncodeToString(padded[:len(padded)/3*3])
			if shift > 0 {
				text = text[4:]
			}
			m[fmt.Sprint(name, " at ", shift)] = []byte(text)
		}
	}
	sum := sha256.Sum256([]byte(word))
	m["sha-256"], m["sha-256 in hex"] = sum[:], []byte(hex.EncodeToString(sum[:]))
	return m
}

// find tells where a word is, in what form; "" if nowhere.
func find(in map[string]string, word string) string {
	for name, data := range in {
		for form, b := range forms(word) {
			if strings.Contains(data, string(b)) {
				return name + " as " + form
			}
		}
	}
	return ""
}

func TestAnAlteredRowIsDamaged(t *testing.T) {
	a, b, both := secret("about ada", "ada"), secret("more of ada", "ada"), secret("about both", "ada", "bob")
	type alteration struct {
		in, sql string
		args    []any
	}
	for name, alter := range map[string]func(sealed []byte) alteration{
		"a byte": func(sealed []byte) alteration {
			sealed[20] ^= 1
			return alteration{"vault", "UPDATE secret SET sealed = $1 WHERE n = 1", []any{sealed}}
		},
		"cut short": func(sealed []byte) alteration {
			return alteration{"vault", "UPDATE secret SET sealed = $1 WHERE n = 1", []any{sealed[:1]}}
		},
		"two rows swapped": func([]byte) alteration {
			return alteration{"vault", "UPDATE secret SET sealed = (SELECT o.sealed FROM secret o WHERE o.n = 3 - secret.n) WHERE n < 3", nil}
		},
		"other readers": func([]byte) alteration {
			return alteration{"vault", "UPDATE secret SET readers = 'public' WHERE n = 1", nil}
		},
		"another kind": func([]byte) alteration {
			return alteration{"vault", "UPDATE secret SET kind = 'special' WHERE n = 1", nil}
		},
		"another person": func([]byte) alteration {
			return alteration{"vault", "UPDATE secret SET subject = 'bob' WHERE n = 1", nil}
		},
		"a person more": func([]byte) alteration {
			return alteration{"vault", "UPDATE secret SET second = 'bob', second_rev = 1 WHERE n = 1", nil}
		},
		"another person's key": func([]byte) alteration {
			return alteration{"keys", "UPDATE dek SET wrapped = (SELECT wrapped FROM dek WHERE subject = 'bob')", nil}
		},
		"a key is missing": func([]byte) alteration {
			return alteration{"keys", "DELETE FROM dek WHERE subject = 'ada'", nil}
		},
	} {
		t.Run(name, func(t *testing.T) {
			vault.Each(t, func(t *testing.T, h vault.Home) {
				v := h.Open(t)
				require.NoError(t, v.Put(t.Context(), a, b, both))
				require.NoError(t, v.Check(t.Context(), digest, nil))
				require.NoError(t, v.Close())
				h.Unlock(t)
				alteration := alter(h.Bytes(t, "vault", "SELECT sealed FROM secret WHERE n = 1"))
				require.NoError(t, h.Exec(t, alteration.in, alteration.sql, alteration.args...))
				v = h.Open(t)
				_, err := v.Reveal(t.Context(), a.Digest)
				require.ErrorIs(t, err, vault.ErrDamaged)
				require.NotErrorIs(t, err, vault.ErrNotFound)
				err = v.Check(t.Context(), digest, nil)
				require.ErrorIs(t, err, vault.ErrDamaged)
				require.ErrorContains(t, err, a.Digest)
			})
		})
	}
}

func TestATextAboutTwoEndsWithEitherKey(t *testing.T) {
	vault.Each(t, func(t *testing.T, h vault.Home) {
		for _, gone := range []string{"ada", "bob"} {
			h := h.New(t)
			v := h.Open(t)
			both, one := secret("about both", "ada", "bob"), secret("about eve", "eve")
			require.NoError(t, v.Put(t.Context(), both, one))
			require.NoError(t, v.Close())
			require.NoError(t, h.Exec(t, "keys", "DELETE FROM dek WHERE subject = $1", gone))
			v = h.Open(t)
			_, err := v.Reveal(t.Context(), both.Digest)
			require.ErrorIs(t, err, vault.ErrDamaged)
			require.ErrorContains(t, err, "the key of "+gone+" is missing")
			_, err = v.Reveal(t.Context(), one.Digest)
			require.NoError(t, err)
		}
	})
}

func TestCheckNamesWhatHasAnotherDigest(t *testing.T) {
	vault.Each(t, func(t *testing.T, h vault.Home) {
		v := h.Open(t)
		good, bad := secret("good", "ada"), secret("bad", "ada")
		bad.Text = "worse"
		require.NoError(t, v.Put(t.Context(), good, bad))
		var done, total int
		err := v.Check(t.Context(), digest, func(d, n int) { done, total = d, n })
		require.ErrorIs(t, err, vault.ErrDamaged)
		require.ErrorContains(t, err, bad.Digest)
		require.NotContains(t, err.Error(), good.Digest)
		require.NotContains(t, err.Error(), "worse")
		require.Equal(t, []int{2, 2}, []int{done, total})
	})
}

func TestManyPutAtOnce(t *testing.T) {
	vault.Each(t, func(t *testing.T, h vault.Home) {
		v := h.Open(t)
		var wg sync.WaitGroup
		errs := make([]error, 64)
		for i := range errs {
			wg.Go(func() {
				for j := range 8 {
					s := secret(fmt.Sprint("text ", i, j), fmt.Sprint("person ", j), fmt.Sprint("person ", 10+i%5))
					if err := v.Put(t.Context(), s, secret("the same for all", "ada")); err != nil {
						errs[i] = err
					}
					if _, err := v.Reveal(t.Context(), s.Digest); err != nil {
						errs[i] = err
					}
				}
			})
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		total := 0
		require.NoError(t, v.Check(t.Context(), digest, func(_, n int) { total = n }))
		require.Equal(t, 64*8+1, total)
	})
}

// More callers than share a commit: whoever writes for others is not forgotten.
func TestMorePutThanShareACommit(t *testing.T) {
	vault.Each(t, func(t *testing.T, h vault.Home) {
		v := h.Open(t)
		for round := range 3 {
			errs := make(chan error)
			for i := range 1500 {
				go func() { errs <- v.Put(t.Context(), secret(fmt.Sprint("text ", round, i), "ada")) }()
			}
			for range 1500 {
				require.NoError(t, <-errs)
			}
		}
	})
}

func TestACancelledPutAnswersAndHoldsNobodyUp(t *testing.T) {
	vault.Each(t, func(t *testing.T, h vault.Home) {
		v := h.Open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 20 { // it may be written or not
			if err := v.Put(ctx, secret("a", "ada")); err != nil {
				require.ErrorIs(t, err, context.Canceled)
			}
		}
		require.NoError(t, v.Put(t.Context(), secret("b", "ada")))
		require.NoError(t, v.Close())
		require.NoError(t, v.Close(), "twice")
		require.ErrorIs(t, v.Put(t.Context(), secret("c", "ada")), vault.ErrClosed)
		require.ErrorIs(t, v.SetHandle(t.Context(), "c1", "ada"), vault.ErrClosed)
		_, err := v.Reveal(t.Context(), "x")
		require.ErrorIs(t, err, vault.ErrClosed)
	})
}
