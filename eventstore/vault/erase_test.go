package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"zombiezen.com/go/sqlite/sqlitex"

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
func filled(t *testing.T, dir string) (v *Vault, secret [][]byte) {
	v = opened(t, Options{Dir: dir})
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
func gone(t *testing.T, v *Vault, dir string, secret [][]byte) {
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
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for i, s := range secret {
			require.NotContains(t, string(content), string(s), "%s has secret %d", path, i)
		}
		return err
	}))
}

func TestEraseLeavesNothingOfOnePersonAndAllOfTheOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v, secret := filled(t, dir)
	for range 2 { // again changes nothing
		texts, err := v.Erase(t.Context(), "ada")
		require.NoError(t, err)
		require.Equal(t, 2, texts)
		gone(t, v, dir, secret)
	}
	require.NoError(t, v.Close())
	v = opened(t, Options{Dir: dir})
	gone(t, v, dir, secret)
	texts, err := v.Erase(t.Context(), "eve")
	require.NoError(t, err, "of whom there is nothing")
	require.Zero(t, texts)
	require.NoError(t, v.Close())
	_, err = v.Erase(t.Context(), "bob")
	require.ErrorIs(t, err, ErrClosed)
}

// steps are those of an erasure, each as if the process were killed after it.
var steps = []func(v *Vault, f fence) error{
	func(v *Vault, _ fence) error { _, err := nextMasterKey(v.keyFile); return err },
	func(v *Vault, f fence) error { return v.register.add(f) },
	func(v *Vault, f fence) error { return v.keys.destroy(f, "ada") },
	func(v *Vault, f fence) error { return v.deleteTexts(f, "ada") },
	func(v *Vault, _ fence) error {
		old := &Vault{writer: v.writer, keys: &keyring{handles: v.keys.handles}}
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
	func(v *Vault, _ fence) error { return os.WriteFile(v.keyFile, make([]byte, 65), 0o600) },
	func(v *Vault, _ fence) error { return os.Rename(v.keyFile+nextSuffix, v.keyFile) },
}

// An erasure that is killed after any of its steps is finished when the vault
// is opened, or by asking again.
func TestAnErasureCutShortIsFinished(t *testing.T) {
	t.Parallel()
	for n := range len(steps) + 1 {
		t.Run(fmt.Sprintf("after step %d", n), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			v, secret := filled(t, dir)
			f := newFence("ada")
			for _, step := range steps[:n] {
				require.NoError(t, step(v, f))
			}
			require.NoError(t, v.Close())
			v, err := Open(Options{Dir: dir})
			if n == 2 { // promised, and not begun
				require.ErrorIs(t, err, ErrRegister)
				v, err = Open(Options{Dir: dir, Replay: true})
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
				gone(t, v, dir, secret)
			}
			_, err = v.Erase(t.Context(), "ada")
			require.NoError(t, err)
			gone(t, v, dir, secret)
		})
	}
}

// Nobody else finishes what another process is at: not who would write, and
// not who only reads, and the master key survives both.
func TestAnErasureIsLeftToWhoIsAtIt(t *testing.T) {
	t.Parallel()
	for n := range len(steps) {
		t.Run(fmt.Sprintf("after step %d", n), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			v, secret := filled(t, dir)
			reader := opened(t, Options{Dir: dir, ReadOnly: true})
			defer reader.Close()
			f := newFence("ada")
			for i, step := range steps[:n] {
				require.NoError(t, step(v, f), i)
			}
			before, err := os.ReadFile(v.keyFile)
			require.NoError(t, err)
			_, err = Open(Options{Dir: dir})
			require.ErrorIs(t, err, durable.ErrLocked)
			switch during, err := Open(Options{Dir: dir, ReadOnly: true}); n {
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
			v = opened(t, Options{Dir: dir})
			defer v.Close()
			gone(t, v, dir, secret)
		})
	}
}

func TestTheMasterKeyIsReplacedByNoneButTheOneThatOpensTheKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v, _ := filled(t, dir)
	key, err := os.ReadFile(v.keyFile)
	require.NoError(t, err)
	for says, next := range map[string]string{"is missing": "", "32 bytes": "torn", "does not open keys.db": fmt.Sprintf("%064d\n", 1)} {
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
}

// What is deleted stays in the write-ahead log while somebody reads it.
func TestAnErasureIsNotDoneWhileDeletedTextsAreInTheWriteAheadLog(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v, secret := filled(t, dir)
	v.writer.SetBusyTimeout(0)
	reader := opened(t, Options{Dir: dir, ReadOnly: true})
	require.NoError(t, sqlitex.ExecuteTransient(reader.writer, "BEGIN", nil))
	_, err := number(reader.writer, "SELECT count(*) FROM secret")
	require.NoError(t, err)
	for range 2 {
		_, err = v.Erase(t.Context(), "ada")
		require.ErrorContains(t, err, "another process reads the vault")
		require.FileExists(t, v.keyFile+nextSuffix)
	}
	require.NoError(t, reader.Close())
	texts, err := v.Erase(t.Context(), "ada")
	require.NoError(t, err)
	require.Equal(t, 2, texts)
	gone(t, v, dir, secret)
	require.NoError(t, v.Close())
}

func TestAVaultOpenedToBeReadChangesNothing(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "nowhere")
	_, err := Open(Options{Dir: empty, ReadOnly: true})
	require.Error(t, err)
	require.NoDirExists(t, empty)

	dir := t.TempDir()
	v, _ := filled(t, dir)
	require.NoError(t, v.register.add(newFence("ada")), "an erasure that was cut short")
	require.NoError(t, v.Close())
	o := Options{Dir: dir, ReadOnly: true, Replay: true}
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
}

// restored is a vault as it was before two erasures, a copy of the register that
// has them, and what of Ada must be found no more once it is replayed.
func restored(t *testing.T) (o Options, secret [][]byte) {
	dir, copied := t.TempDir(), filepath.Join(t.TempDir(), "files")
	v, secret := filled(t, dir)
	require.NoError(t, v.Close())
	require.NoError(t, os.CopyFS(copied, os.DirFS(dir)))
	require.NoError(t, os.Chmod(filepath.Join(copied, "master.key"), 0o600))
	v = opened(t, Options{Dir: dir})
	_, err := v.Erase(t.Context(), "ada")
	require.NoError(t, err)
	_, err = v.Erase(t.Context(), "eve") // of whom the copy knows nothing
	require.NoError(t, err)
	require.NoError(t, v.Close())
	return Options{Dir: copied, Copy: filepath.Join(dir, "erasures.jsonl")}, secret
}

func TestAnOlderCopyStaysShutUntilTheRegisterIsReplayed(t *testing.T) {
	t.Parallel()
	o, secret := restored(t)
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
	gone(t, v, o.Dir, secret)
	require.NoError(t, v.Close())
	o.Replay = false
	v = opened(t, o)
	require.NoError(t, v.Close())
}

// keys.db may be an older copy than vault.db, and not know whom that knows.
func TestWhoHasNoKeyIsReplayedToo(t *testing.T) {
	t.Parallel()
	for _, texts := range []bool{true, false} {
		o, secret := restored(t)
		o.Register, o.Copy = o.Copy, ""
		v := opened(t, Options{Dir: o.Dir})
		require.NoError(t, sqlitex.Execute(v.keys.conn, "DELETE FROM dek WHERE subject = 'ada'", nil))
		if !texts {
			require.NoError(t, sqlitex.Execute(v.writer, "DELETE FROM secret WHERE 'ada' IN (subject, second)", nil))
		}
		require.NoError(t, v.Close())
		o.Replay = true
		v = opened(t, o)
		_, err := v.Person(t.Context(), "ada-l")
		require.ErrorIs(t, err, ErrNotFound)
		if texts {
			gone(t, v, o.Dir, secret)
		}
		require.NoError(t, v.Close())
	}
}

// What a copy of the register has is in the vault's own before a key goes, and
// stays there beside what is erased later.
func TestARegistersCopyIsReplayedIntoTheRegister(t *testing.T) {
	t.Parallel()
	o, secret := restored(t)
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
	v = opened(t, Options{Dir: o.Dir})
	got, err := v.Reveal(t.Context(), both.Digest)
	require.NoError(t, err, "what could not be written down is not carried out")
	require.Equal(t, both, got)
	require.NoError(t, v.Close())

	require.NoError(t, own.add(copied[0]), "and cut short there")
	_, err = Open(Options{Dir: o.Dir})
	require.ErrorIs(t, err, ErrRegister)
	for range 2 {
		v = opened(t, o)
		gone(t, v, o.Dir, secret)
		list, err := own.read()
		require.NoError(t, err)
		require.Equal(t, copied, list)
		require.NoError(t, v.Close())
	}
	v = opened(t, Options{Dir: o.Dir})
	_, err = v.Erase(t.Context(), "bob")
	require.NoError(t, err)
	require.NoError(t, v.Close())
	list, err := own.read()
	require.NoError(t, err)
	require.Len(t, list, 3)
}

func TestALostRegisterIsWrittenAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v, _ := filled(t, dir)
	_, err := v.Erase(t.Context(), "ada")
	require.NoError(t, err)
	require.NoError(t, v.Close())
	elsewhere := register{filepath.Join(t.TempDir(), "kept.jsonl")}
	v = opened(t, Options{Dir: dir, Register: elsewhere.path})
	list, err := elsewhere.read()
	require.NoError(t, err)
	require.Equal(t, v.keys.fences, list)
	require.NoError(t, v.Close())
}

func TestWithoutTheOldMasterKeyAnOlderCopyOfKeysStaysShut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	v, _ := filled(t, dir)
	require.NoError(t, v.Close())
	keys, err := os.ReadFile(filepath.Join(dir, "keys.db"))
	require.NoError(t, err)
	v = opened(t, Options{Dir: dir})
	_, err = v.Erase(t.Context(), "ada")
	require.NoError(t, err)
	require.NoError(t, v.Close())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "keys.db"), keys, 0o600))
	_, err = Open(Options{Dir: dir})
	require.ErrorIs(t, err, ErrMasterKey)
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
