package vault_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/eventstore/vault"
)

// filled is a closed vault with one text.
func filled(t *testing.T, h vault.Home) (vault.Home, vault.Secret) {
	s := secret("about ada", "ada")
	v := h.Open(t)
	require.NoError(t, v.Put(t.Context(), s))
	require.NoError(t, v.Close())
	return h, s
}

func TestAMasterKeyIsNeverMadeBesideKeys(t *testing.T) {
	vault.Each(t, func(t *testing.T, h vault.Home) {
		_, s := filled(t, h)
		path := filepath.Join(h.Dir, "master.key")
		elsewhere := filepath.Join(t.TempDir(), "key")
		require.NoError(t, os.Rename(path, elsewhere))

		err := h.Refused(t)
		require.ErrorIs(t, err, vault.ErrMasterKey)
		require.ErrorContains(t, err, "missing")
		require.NoFileExists(t, path)

		v, err := vault.Open(vault.Options{Dir: h.Dir, Database: h.Database, KeyFile: elsewhere})
		require.NoError(t, err)
		_, err = v.Reveal(t.Context(), s.Digest)
		require.NoError(t, err)
		require.NoError(t, v.Close())
		require.NoFileExists(t, path)
	})
}

func TestAWrongMasterKeyIsToldAtOnce(t *testing.T) {
	vault.Each(t, func(t *testing.T, h vault.Home) {
		filled(t, h)
		other, _ := filled(t, h.New(t))
		path := filepath.Join(h.Dir, "master.key")
		key, err := os.ReadFile(filepath.Join(other.Dir, "master.key"))
		require.NoError(t, err)
		for text, says := range map[string]string{string(key): "not the one", "": "32 bytes", "abcd": "32 bytes", strings.Repeat("x", 64): "32 bytes"} {
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			err := h.Refused(t)
			require.ErrorIs(t, err, vault.ErrMasterKey)
			require.ErrorContains(t, err, says)
			if text != "" {
				require.NotContains(t, err.Error(), strings.TrimSpace(text), "a key is never told")
			}
		}
	})
}

func TestAMasterKeyThatOthersMayReadIsRefused(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes")
	}
	h, _ := filled(t, vault.Home{Dir: t.TempDir()})
	path := filepath.Join(h.Dir, "master.key")
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
		require.NoError(t, os.Chmod(path, mode))
		err := h.Refused(t)
		require.ErrorIs(t, err, vault.ErrMasterKey)
		require.ErrorContains(t, err, "chmod 600 "+path)
	}
	require.NoError(t, os.Chmod(path, 0o400))
	h.Open(t)
}

func TestNoFileIsForOthers(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes")
	}
	dir := filepath.Join(t.TempDir(), "new", "vault")
	v := vault.Home{Dir: dir}.Open(t)
	require.NoError(t, v.Put(t.Context(), secret("about ada", "ada")))
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 4) // with the write-ahead log
	for _, f := range files {
		info, err := f.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, f.Name())
	}
}

func TestAForeignFileIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"vault.db", "keys.db"} {
		h := vault.Home{Dir: t.TempDir()}
		path := filepath.Join(h.Dir, name)
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		require.NoError(t, h.Exec(t, strings.TrimSuffix(name, ".db"), "CREATE TABLE theirs (a)"))
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		require.ErrorIs(t, h.Refused(t), vault.ErrForeign)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, before, after)
		require.NoFileExists(t, filepath.Join(h.Dir, "master.key"))

		require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600))
		require.ErrorIs(t, h.Refused(t), vault.ErrForeign)
	}
}

func TestAVaultOfANewerProgramIsRefused(t *testing.T) {
	vault.Each(t, func(t *testing.T, h vault.Home) {
		filled(t, h)
		newer := "PRAGMA user_version = 2"
		if h.Database != "" {
			newer = "UPDATE daybook SET version = 2"
		}
		require.NoError(t, h.Exec(t, "vault", newer))
		require.ErrorContains(t, h.Refused(t), "newer version")
	})
}

func TestFilesOfTwoVaultsDoNotBelongTogether(t *testing.T) {
	t.Parallel()
	filled := func(t *testing.T) (string, vault.Secret) {
		h, s := filled(t, vault.Home{Dir: t.TempDir()})
		return h.Dir, s
	}
	refused := func(t *testing.T, dir string) error { return vault.Home{Dir: dir}.Refused(t) }
	move := func(from, to, name string) {
		require.NoError(t, os.Rename(filepath.Join(from, name), filepath.Join(to, name)))
	}
	{
		a, _ := filled(t)
		b, _ := filled(t)
		move(a, b, "keys.db")
		move(a, b, "master.key")
		err := refused(t, b)
		require.ErrorIs(t, err, vault.ErrMismatch)
		require.ErrorContains(t, err, "store")
	}
	{
		a, _ := filled(t)
		require.NoError(t, os.Remove(filepath.Join(a, "keys.db")))
		require.ErrorIs(t, refused(t, a), vault.ErrMismatch)
		require.ErrorIs(t, refused(t, a), vault.ErrMismatch, "also the second time")
	}
	{
		a, _ := filled(t)
		require.NoError(t, os.Remove(filepath.Join(a, "vault.db")))
		require.ErrorIs(t, refused(t, a), vault.ErrMismatch)
		require.ErrorIs(t, refused(t, a), vault.ErrMismatch, "also the second time")
	}
	{
		a, _ := filled(t)
		move(a, a, "vault.db")
		require.NoError(t, os.Rename(filepath.Join(a, "vault.db"), filepath.Join(a, "x")))
		require.NoError(t, os.Rename(filepath.Join(a, "keys.db"), filepath.Join(a, "vault.db")))
		require.NoError(t, os.Rename(filepath.Join(a, "x"), filepath.Join(a, "keys.db")))
		require.ErrorIs(t, refused(t, a), vault.ErrForeign, "swapped")
	}
}

func TestAVaultKilledWhileItWasMadeIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, lost := range [][]string{{"keys.db"}, {"keys.db", "vault.db"}, {"keys.db", "vault.db", "master.key"}} {
		dir := t.TempDir()
		v := vault.Home{Dir: dir}.Open(t)
		require.NoError(t, v.Close())
		for _, name := range lost {
			require.NoError(t, os.Remove(filepath.Join(dir, name)))
		}
		require.NoError(t, vault.Home{Dir: dir}.Open(t).Put(t.Context(), secret("about ada", "ada")))
	}
}
