package main_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/daybook-engine/daybook/cmd/daybook-verify/verify"
	"github.com/daybook-engine/daybook/domain/measure"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
)

// An evidence is packs of a season, one after the other, with the key that
// signed them.
type evidence struct {
	dir, policyFile string
	policy          verify.Policy
	key             string
	spring, autumn  []byte // packs
}

func packed(t *testing.T) evidence {
	dir := seasonCopy(t)
	x := evidence{dir: dir, policyFile: filepath.Join(dir, "policy")}
	x.spring = x.pack(t, spring)
	x.autumn = x.pack(t, autumn)
	text, err := os.ReadFile(x.policyFile)
	require.NoError(t, err)
	x.policy, err = verify.ReadPolicy(text)
	require.NoError(t, err)
	key, err := os.ReadFile(filepath.Join(dir, "ledger.key"))
	require.NoError(t, err)
	x.key = strings.TrimSpace(string(key))
	return x
}

func (x evidence) pack(t *testing.T, cycle string, more ...string) []byte {
	out := filepath.Join(t.TempDir(), "pack.zip")
	daybook(t, x.dir, append([]string{"evidence", "pack", "--cycle", cycle, "--for", "nemo-board", "--out", out, "--policy-out", x.policyFile}, more...)...)
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	return b
}

// later is the autumn's pack for somebody else, which proves that it continues
// the first.
func (x evidence) later(t *testing.T) []byte {
	return x.pack(t, autumn, "--for", "another-board", "--since", filepath.Join(write(t, x.autumn), "file"))
}

// files are a pack's, by name.
func files(t *testing.T, pack []byte) map[string][]byte {
	r, err := zip.NewReader(bytes.NewReader(pack), int64(len(pack)))
	require.NoError(t, err)
	all := map[string][]byte{}
	for _, f := range r.File {
		body, err := f.Open()
		require.NoError(t, err)
		b, err := io.ReadAll(body)
		require.NoError(t, err)
		all[f.Name] = b
	}
	return all
}

// list puts files in a pack's order, with a manifest that is true of them.
func list(all map[string][]byte) (files []verify.File) {
	for _, name := range verify.Names[:len(verify.Names)-1] {
		if b, ok := all[name]; ok {
			files = append(files, verify.File{Name: name, Body: b})
		}
	}
	return append(files, verify.File{Name: "manifest.json", Body: verify.Manifest(files)})
}

func zipped(files []verify.File) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.Name, Method: zip.Deflate}
		if strings.HasPrefix(f.Name, "link:") {
			h.Name = strings.TrimPrefix(f.Name, "link:")
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		into, err := w.CreateHeader(h)
		if err == nil {
			_, err = into.Write(f.Body)
		}
		if err != nil {
			panic(err) // it is memory
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestAPackProvesTheFiguresOfS1(t *testing.T) {
	t.Parallel()
	x := packed(t)
	p, err := verify.Check(x.autumn, x.policy, nil)
	require.NoError(t, err)
	require.True(t, p.Rehearsal)
	require.Equal(t, x.autumn, x.pack(t, autumn), "the same pack, byte for byte")
	later := x.later(t)
	require.NotEmpty(t, files(t, later)["since.txt"])
	_, err = verify.Check(later, x.policy, x.autumn)
	require.NoError(t, err)
	_, err = verify.Check(x.pack(t, autumn, "--for", "another-board"), x.policy, x.autumn)
	require.NoError(t, err, "also without a proof in it")

	// The domain counts the same from the log itself, where spring is too.
	store, err := sqlite.Open(filepath.Join(x.dir, "log.db"), sqlite.Options{})
	require.NoError(t, err)
	defer store.Close()
	tally := measure.NewTally(measure.All)
	other := map[string]bool{}
	for r, err := range store.ReadAll(context.Background(), eventstore.ReadAll{}) {
		require.NoError(t, err)
		env, err := schema.DecodeEnvelope(r.Metadata)
		require.NoError(t, err)
		require.NoError(t, tally.Add(measure.Fact{ID: env.ID, Name: r.Name, Stream: r.Stream, Book: env.Book, Body: r.Data}))
		if !slices.Contains(p.Claims.Books, env.Book) {
			other[env.ID] = true
		}
	}
	for i, m := range measure.All {
		scope := autumn
		if m.Scope == "year" {
			scope = measure.YearScope(p.Claims.Programme, strconv.Itoa(p.Claims.Year))
		}
		require.Equal(t, verify.Figure{Measure: m.Measure, Version: m.Version, Value: tally.Value(m, scope)}, p.Claims.Figures[i])
	}
	require.NotEmpty(t, other)
	for line := range strings.Lines(string(files(t, x.autumn)["headers.jsonl"])) {
		var h struct{ ID string }
		require.NoError(t, json.Unmarshal([]byte(line), &h))
		require.False(t, other[h.ID], "an event of another book")
	}
}

func write(t *testing.T, b []byte) (dir string) {
	dir = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), b, 0o600))
	return dir
}

// What somebody can do who has a pack, and not the key.
func TestAForgedPackIsRefused(t *testing.T) {
	t.Parallel()
	x := packed(t)
	is := files(t, x.autumn)
	signer, _, err := note.GenerateKey(rand.Reader, origin(is))
	require.NoError(t, err)
	elsewhere, _, err := note.GenerateKey(rand.Reader, "daybook/elsewhere")
	require.NoError(t, err)

	type pack = []verify.File
	rows := map[string]struct {
		forge func(p pack) pack // the manifest as it is
		alter func(all map[string][]byte)
		says  string
	}{
		"a file twice":             {forge: func(p pack) pack { return append(p, p[2]) }, says: "is there twice"},
		"and under another name":   {forge: func(p pack) pack { return append(p, verify.File{Name: "Headers.JSONL"}) }, says: "is there twice"},
		"two in another order":     {forge: func(p pack) pack { p[2], p[3] = p[3], p[2]; return p }, says: "expected"},
		"a file more":              {forge: func(p pack) pack { return append(p, verify.File{Name: "report.html"}) }, says: "does not belong"},
		"a file outside":           {forge: func(p pack) pack { return append(p, verify.File{Name: "../claims.json"}) }, says: "not a plain file"},
		"one at the root":          {forge: func(p pack) pack { return append(p, verify.File{Name: "/claims.json"}) }, says: "not a plain file"},
		"one with a backslash":     {forge: func(p pack) pack { return append(p, verify.File{Name: `x\..\claims.json`}) }, says: "not a plain file"},
		"a folder":                 {forge: func(p pack) pack { return append(p, verify.File{Name: "x/"}) }, says: "not a plain file"},
		"a link":                   {forge: func(p pack) pack { p[0].Name = "link:README.txt"; return p }, says: "not a plain file"},
		"too many files":           {forge: func(p pack) pack { return slices.Repeat(p, 10) }, says: "files in one pack"},
		"more than it can be":      {forge: func(p pack) pack { p[2].Body = make([]byte, 100<<20); return p }, says: "unpacks to more"},
		"nothing":                  {forge: func(pack) pack { return nil }, says: "not a pack"},
		"an empty manifest":        {forge: func(p pack) pack { p[len(p)-1].Body = nil; return p }, says: "manifest.json"},
		"no headers":               {alter: func(a map[string][]byte) { a["headers.jsonl"] = nil }, says: "no last line"},
		"a header altered":         {alter: replace("headers.jsonl", "session.cancelled", "session.cancellex"), says: "is not what the ledger states"},
		"a header written another": {alter: replace("headers.jsonl", `{"book"`, `{ "book"`), says: "not written as headers are"},
		"a digest altered":         {alter: replace("headers.jsonl", `"digest":"`, `"digest":"A`), says: "is not what the ledger states"},
		"the first header dropped": {alter: lines("headers.jsonl", func(l []string) []string { return l[1:] }), says: "where 0 is due"},
		"one dropped":              {alter: lines("headers.jsonl", func(l []string) []string { return slices.Delete(l, 100, 101) }), says: "is due"},
		"the last dropped":         {alter: lines("headers.jsonl", func(l []string) []string { return l[:len(l)-1] }), says: "is not what the ledger states"},
		"one twice":                {alter: lines("headers.jsonl", func(l []string) []string { return slices.Insert(l, 100, l[100]) }), says: "is due"},
		"two swapped":              {alter: lines("headers.jsonl", func(l []string) []string { l[7], l[8] = l[8], l[7]; return l }), says: "is due"},
		"one of another book":      {alter: replace("headers.jsonl", "rehearsal/cycle/nemo-2023-autumn", "rehearsal/cycle/nemo-2023-spring"), says: "of no book claimed"},
		"one of version 2":         {alter: replace("headers.jsonl", `"v":1`, `"v":2`), says: "not written as headers are"},
		"the books' order": {alter: lines("headers.jsonl", func(l []string) []string {
			second := slices.IndexFunc(l, func(line string) bool { return !strings.Contains(line, "rehearsal/cycle/") })
			return append(slices.Clone(l[second:]), l[:second]...)
		}), says: "out of its place"},
		"no bodies":              {alter: func(a map[string][]byte) { a["bodies.jsonl"] = nil }, says: "no last line"},
		"a body dropped":         {alter: lines("bodies.jsonl", func(l []string) []string { return slices.Delete(l, 50, 51) }), says: "is missing"},
		"the last dropped too":   {alter: lines("bodies.jsonl", func(l []string) []string { return l[:len(l)-1] }), says: "is missing"},
		"a body twice":           {alter: lines("bodies.jsonl", func(l []string) []string { return append(l, l[0]) }), says: "bodies, "},
		"two bodies swapped":     {alter: lines("bodies.jsonl", func(l []string) []string { l[7], l[8] = l[8], l[7]; return l }), says: "not what was recorded"},
		"minutes altered":        {alter: bodies(`"minutes":45`, `"minutes":90`), says: "not what was recorded"},
		"a stream altered":       {alter: bodies(`"stream":"match-nemo-2023-autumn.m5"`, `"stream":"match-nemo-2023-autumn.m6"`), says: "not what was recorded"},
		"a figure altered":       {alter: claims(func(c *verify.Claims) { c.Figures[18].Value++ }), says: "not stated in the ledger"},
		"for somebody else":      {alter: claims(func(c *verify.Claims) { c.For = "others" }), says: "not stated in the ledger"},
		"a year altered":         {alter: claims(func(c *verify.Claims) { c.Year++ }), says: "not stated in the ledger"},
		"a measure altered":      {alter: replace("claims.json", `"Sessions held"`, `"Lives saved"`), says: "not stated in the ledger"},
		"claims twice":           {alter: func(a map[string][]byte) { a["claims.json"] = slices.Repeat(a["claims.json"], 2) }, says: "after top-level value"},
		"another pack's claims":  {alter: func(a map[string][]byte) { a["claims.json"] = files(t, x.spring)["claims.json"] }, says: "of no book claimed"},
		"another pack's headers": {alter: func(a map[string][]byte) { a["headers.jsonl"] = files(t, x.spring)["headers.jsonl"] }, says: "of no book claimed"},
		"another pack's bodies":  {alter: func(a map[string][]byte) { a["bodies.jsonl"] = files(t, x.spring)["bodies.jsonl"] }, says: "not what was recorded"},
		"a statement dropped":    {alter: lines("ledger.jsonl", func(l []string) []string { return l[1:] }), says: "are not the"},
		"a statement more":       {alter: lines("ledger.jsonl", func(l []string) []string { return append(l, l[0]) }), says: "are not the"},
		"statements swapped":     {alter: lines("ledger.jsonl", func(l []string) []string { l[0], l[1] = l[1], l[0]; return l }), says: "are not the"},
		"a statement altered":    {alter: replace("ledger.jsonl", `"size":`, `"size":1`), says: "are not the"},
		"an old checkpoint":      {alter: func(a map[string][]byte) { a["checkpoint"] = files(t, x.spring)["checkpoint"] }, says: "are not the"},
		"and its ledger":         {alter: older(t, x.spring), says: "not stated in the ledger"},
		"a size altered":         {alter: replace("checkpoint", "\n"+strconv.Itoa(bytes.Count(is["ledger.jsonl"], []byte("\n")))+"\n", "\n4\n"), says: "not signed by a key"},
		"no checkpoint":          {alter: func(a map[string][]byte) { a["checkpoint"] = nil }, says: "not signed by a key"},
		"no signature":           {alter: lines("checkpoint", func(l []string) []string { return l[:4] }), says: "not signed by a key"},
		"another key":            {alter: func(a map[string][]byte) { sign(t, a, signer) }, says: "not signed by a key"},
		"another log":            {alter: func(a map[string][]byte) { sign(t, a, elsewhere) }, says: "not signed by a key"},
		"other words":            {alter: replace("README.txt", "proves nothing", "proves a lot"), says: "not the text"},
		"a key of the forger's":  {alter: replace("README.txt", "+", "-"), says: "not the text"},
		"a proof of nothing":     {alter: func(a map[string][]byte) { a["since.txt"] = []byte("0\n") }, says: "size"},
		"a false proof":          {alter: func(a map[string][]byte) { a["since.txt"] = fmt.Appendf(nil, "2\n%s\n", tlog.Hash{}) }, says: "since.txt"},
		"a proof of the future":  {alter: func(a map[string][]byte) { a["since.txt"] = []byte("99\n") }, says: "size"},
	}
	for i, name := range slices.Collect(func(yield func(string) bool) {
		for _, f := range list(is) {
			yield(f.Name)
		}
	}) {
		rows["left out: "+name] = struct {
			forge func(p pack) pack
			alter func(all map[string][]byte)
			says  string
		}{forge: func(p pack) pack { return slices.Delete(p, i, i+1) }, says: "expected"}
		rows["one bit of "+name] = struct {
			forge func(p pack) pack
			alter func(all map[string][]byte)
			says  string
		}{forge: func(p pack) pack { p[i].Body[len(p[i].Body)/2] ^= 1; return p }, says: "manifest.json"}
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := files(t, x.autumn)
			if row.alter != nil {
				row.alter(all)
			}
			p := list(all)
			if row.forge != nil {
				p = row.forge(p)
			}
			_, err := verify.Check(zipped(p), x.policy, nil)
			require.ErrorContains(t, err, row.says)
		})
	}
	_, err = verify.Check(zipped(list(is)), x.policy, nil)
	require.NoError(t, err, "packed by somebody else, it is the same pack")
	_, err = verify.Check(append([]byte("#!/bin/sh\n"), x.autumn...), x.policy, nil)
	require.ErrorIs(t, err, verify.ErrUnreadable)
}

func replace(file, old, new string) func(map[string][]byte) {
	return func(a map[string][]byte) { a[file] = bytes.Replace(a[file], []byte(old), []byte(new), 1) }
}

func lines(file string, change func([]string) []string) func(map[string][]byte) {
	return func(a map[string][]byte) {
		a[file] = []byte(strings.Join(change(slices.Collect(strings.Lines(string(a[file])))), ""))
	}
}

// bodies changes the first disclosure that says old.
func bodies(old, new string) func(map[string][]byte) {
	return lines("bodies.jsonl", func(l []string) []string {
		for i, line := range l {
			b, err := base64.RawURLEncoding.DecodeString(strings.Trim(line, "\"\n"))
			if err == nil && bytes.Contains(b, []byte(old)) {
				l[i] = `"` + base64.RawURLEncoding.EncodeToString(bytes.Replace(b, []byte(old), []byte(new), 1)) + "\"\n"
				return l
			}
		}
		panic(old)
	})
}

func claims(change func(*verify.Claims)) func(map[string][]byte) {
	return func(a map[string][]byte) {
		var c verify.Claims
		if err := json.Unmarshal(a["claims.json"], &c); err != nil {
			panic(err)
		}
		change(&c)
		a["claims.json"] = c.Text()
	}
}

func older(t *testing.T, pack []byte) func(map[string][]byte) {
	old := files(t, pack)
	return func(a map[string][]byte) { a["checkpoint"], a["ledger.jsonl"] = old["checkpoint"], old["ledger.jsonl"] }
}

func origin(all map[string][]byte) string {
	name, _, _ := strings.Cut(string(all["checkpoint"]), "\n")
	return name
}

// sign makes a checkpoint of the ledger as it is.
func sign(t *testing.T, all map[string][]byte, key string) {
	signer, err := note.NewSigner(key)
	require.NoError(t, err)
	l := slices.Collect(strings.Lines(string(all["ledger.jsonl"])))
	all["checkpoint"], err = note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", signer.Name(), len(l), merkle(l))}, signer)
	require.NoError(t, err)
}

func merkle(lines []string) tlog.Hash {
	if len(lines) == 1 {
		return tlog.RecordHash([]byte(strings.TrimSuffix(lines[0], "\n")))
	}
	k := 1
	for 2*k < len(lines) {
		k *= 2
	}
	return tlog.NodeHash(merkle(lines[:k]), merkle(lines[k:]))
}

// restate is what somebody can do who has the key: every digest, number, root,
// statement and signature is made to fit what the pack now says. Earlier
// statements are kept where keep says so.
func restate(t *testing.T, all map[string][]byte, key string, keep bool) {
	digests := map[string]string{} // by the event's id
	for body := range strings.Lines(string(all["bodies.jsonl"])) {
		body = strings.Trim(body, "\"\n")
		source, err := base64.RawURLEncoding.DecodeString(body)
		require.NoError(t, err)
		_, id, _ := strings.Cut(string(source), `{"meta":{"id":"`)
		id, _, _ = strings.Cut(id, `"`)
		sum := sha256.Sum256([]byte(body))
		digests[id] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	books := map[string][]string{}
	var names []string
	var headers strings.Builder
	for line := range strings.Lines(string(all["headers.jsonl"])) {
		var h struct {
			Book   string `json:"book"`
			Day    string `json:"day"`
			Digest string `json:"digest"`
			ID     string `json:"id"`
			N      int    `json:"n"`
			Name   string `json:"name"`
			V      int    `json:"v"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &h))
		if digest := digests[h.ID]; digest != "" {
			h.Digest = digest
		}
		if h.N = len(books[h.Book]); h.N == 0 {
			names = append(names, h.Book)
		}
		b, err := json.Marshal(h)
		require.NoError(t, err)
		books[h.Book] = append(books[h.Book], string(b))
		headers.WriteString(string(b) + "\n")
	}
	all["headers.jsonl"] = []byte(headers.String())
	if !keep {
		all["ledger.jsonl"] = nil
	}
	for _, book := range names {
		all["ledger.jsonl"] = fmt.Appendf(all["ledger.jsonl"], "{\"book\":%q,\"root\":\"%s\",\"size\":%d}\n", book, merkle(books[book]), len(books[book]))
	}
	sum := sha256.Sum256(all["claims.json"])
	all["ledger.jsonl"] = fmt.Appendf(all["ledger.jsonl"], "{\"claims\":%q}\n", base64.RawURLEncoding.EncodeToString(sum[:]))
	sign(t, all, key)
}

// Who has the key can write another history, and cannot make it fit what
// somebody holds of the old one; nor call a thing by another's name.
func TestAHistoryRewrittenWithTheSameKeyIsRefused(t *testing.T) {
	t.Parallel()
	x := packed(t)
	figure := func(name string, value int64) func(map[string][]byte) {
		return claims(func(c *verify.Claims) {
			i := slices.IndexFunc(c.Figures, func(f verify.Figure) bool { return f.Measure == name })
			c.Figures[i].Value += value
		})
	}
	all := func(changes ...func(map[string][]byte)) func(map[string][]byte) {
		return func(a map[string][]byte) {
			for _, change := range changes {
				change(a)
			}
		}
	}
	earlier := map[string][]byte{"spring": x.spring, "autumn": x.autumn}
	for name, alter := range map[string]func(map[string][]byte){
		"longer sessions": all(bodies(`"minutes":45`, `"minutes":55`), figure("session_minutes", 10)),
		"an event less": lines("headers.jsonl", func(l []string) []string {
			return slices.DeleteFunc(l, func(line string) bool { return strings.Contains(line, "figures.sealed") })
		}),
		"another recorder": bodies(`"channel":"rehearsal"`, `"channel":"web"`),
		"nothing at all":   func(map[string][]byte) {}, // a ledger begun anew
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forged := files(t, x.autumn)
			alter(forged)
			restate(t, forged, x.key, false)
			_, err := verify.Check(zipped(list(forged)), x.policy, nil)
			require.NoError(t, err, "by itself it cannot be told from a true one")
			for was, pack := range earlier {
				_, err := verify.Check(zipped(list(forged)), x.policy, pack)
				require.ErrorContains(t, err, "does not begin with", was)
			}
			if name == "nothing at all" {
				return
			}
			forged = files(t, x.autumn)
			alter(forged)
			restate(t, forged, x.key, true)
			_, err = verify.Check(zipped(list(forged)), x.policy, nil)
			require.ErrorContains(t, err, "is not what the ledger states", "with the old statements kept")
		})
	}
	_, err := verify.Check(x.spring, x.policy, x.autumn)
	require.ErrorContains(t, err, "is the newer of the two", "an old pack for a new one")

	// Of a cycle that was rewritten the next one's pack shows nothing, whatever
	// ledger lines were kept.
	next := x.pack(t, spring)
	_, err = verify.Check(next, x.policy, x.spring)
	require.NoError(t, err)
	_, err = verify.Check(next, x.policy, x.autumn)
	require.ErrorContains(t, err, "says nothing of rehearsal/cycle/nemo-2023-autumn, of which the older pack has")

	live, vkey, err := note.GenerateKey(rand.Reader, "daybook/live")
	require.NoError(t, err)
	trusted, err := verify.ReadPolicy([]byte("log " + vkey + "\nquorum none\n"))
	require.NoError(t, err)
	_, err = verify.Check(x.autumn, trusted, nil)
	require.ErrorContains(t, err, "not signed by a key", "another log's policy")
	for name, row := range map[string]struct {
		alter func(map[string][]byte)
		key   string
		says  string
	}{
		"a figure":             {figure("sessions_held", 1), x.key, "the records give 13"},
		"a figure left out":    {claims(func(c *verify.Claims) { c.Figures[0].LeftOut = "none of your business" }), x.key, "the records give"},
		"a figure less":        {claims(func(c *verify.Claims) { c.Figures = c.Figures[1:] }), x.key, "figures of"},
		"another measure":      {replace("claims.json", `"name": "session.held"`, `"name": "session.scheduled"`), x.key, "does not know these measures"},
		"other words for it":   {replace("claims.json", `"Sessions held"`, `"Lives saved"`), x.key, "does not know these measures"},
		"another year":         {claims(func(c *verify.Claims) { c.Year++ }), x.key, "was not planned for"},
		"another programme":    {claims(func(c *verify.Claims) { c.Programme = "other" }), x.key, "are not those of"},
		"a field more":         {replace("claims.json", `"v": 1`, `"v": 1, "w": 2`), x.key, "not written as FORMAT.md says"},
		"a newer format":       {replace("claims.json", `"v": 1`, `"v": 2`), x.key, "get a newer verifier"},
		"a terminal's command": {claims(func(c *verify.Claims) { c.For = "\x1b[2J" }), x.key, "control character"},
		"a command left out":   {claims(func(c *verify.Claims) { c.Figures[0].LeftOut = "\x1b[2J" }), x.key, "control character"},
		"a command for a day":  {replace("headers.jsonl", `"day":"2023-12-08"`, `"day":"\u001b[2J9999"`), x.key, "is not written as headers are"},
		"a rehearsal as true":  {func(map[string][]byte) {}, live, "are not those of"},
		"an event renamed":     {replace("headers.jsonl", `"name":"session.cancelled"`, `"name":"session.missed"`), x.key, "that of another event"},
		"an event's day":       {replace("headers.jsonl", `"day":"2023-0`, `"day":"2022-0`), x.key, "that of another event"},
		"a body withheld":      {lines("bodies.jsonl", func(l []string) []string { return l[1:] }), x.key, "is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forged := files(t, x.autumn)
			row.alter(forged)
			restate(t, forged, row.key, false)
			policy := x.policy
			if row.key == live {
				policy = trusted
			}
			_, err := verify.Check(zipped(list(forged)), policy, nil)
			require.ErrorContains(t, err, row.says)
		})
	}
}

// What is signed says the same to every reader: a program that takes the first
// of two fields, or minds no case, reads no other figures than the verifier.
func TestASignedPackSaysTheSameToEveryReader(t *testing.T) {
	t.Parallel()
	x := packed(t)
	const said, form = `"value": 13`, "not written as FORMAT.md says"
	ledger := func(old, new string) func(map[string][]byte) {
		return func(a map[string][]byte) {
			restate(t, a, x.key, false)
			require.Contains(t, string(a["ledger.jsonl"]), old)
			replace("ledger.jsonl", old, new)(a)
			sign(t, a, x.key)
		}
	}
	for name, row := range map[string]struct {
		alter func(map[string][]byte)
		says  string
	}{
		"a figure in two cases":      {replace("claims.json", said, `"Value": 13, "value": 999999, "VALUE": 13`), form},
		"one twice":                  {replace("claims.json", said, `"value": 999999, "value": 13`), form},
		"one on its own line":        {replace("claims.json", said, "\"value\": 999999,\n   \"value\": 13"), form},
		"in another case":            {replace("claims.json", said, `"Value": 13`), form},
		"escaped":                    {replace("claims.json", said, `"\u0076alue": 13`), form},
		"in another place":           {replace("claims.json", "{\n \"v\": 1,\n \"for\": \"nemo-board\"", "{\n \"for\": \"nemo-board\",\n \"v\": 1"), form},
		"with a fraction":            {replace("claims.json", said, `"value": 13.0`), "claims.json"},
		"with an exponent":           {replace("claims.json", said, `"value": 13e0`), "claims.json"},
		"a year with an exponent":    {replace("claims.json", `"year": 2023`, `"year": 2.023e3`), "claims.json"},
		"nothing left out":           {replace("claims.json", said, said+",\n   \"left_out\": \"\""), form},
		"a comment":                  {replace("claims.json", said, said+`, "comment": "of 999999"`), form},
		"other words for somebody":   {replace("claims.json", `"for": "nemo-board"`, `"for": "\u006eemo-board"`), form},
		"what is no text":            {replace("claims.json", `"for": "nemo-board"`, "\"for\": \"\xff\""), form},
		"other claims after them":    {func(a map[string][]byte) { a["claims.json"] = append(a["claims.json"], a["claims.json"]...) }, "after top-level value"},
		"a space after them":         {func(a map[string][]byte) { a["claims.json"] = append(a["claims.json"], ' ') }, form},
		"no last line's end":         {func(a map[string][]byte) { a["claims.json"] = bytes.TrimSuffix(a["claims.json"], []byte("\n")) }, form},
		"a mark before them":         {func(a map[string][]byte) { a["claims.json"] = append([]byte("\ufeff"), a["claims.json"]...) }, "claims.json"},
		"minutes twice":              {bodies(`"minutes":45`, `"minutes":90,"minutes":45`), `it has "minutes" twice`},
		"minutes in two cases":       {bodies(`"minutes":45`, `"minutes":45,"Minutes":90`), `it has "Minutes" twice`},
		"minutes in two scripts":     {bodies(`"minutes":45`, `"minutes":45,"minute\u017f":90`), "twice"},
		"minutes in another case":    {bodies(`"minutes":45`, `"Minutes":45`), "minutes of session."},
		"minutes with a fraction":    {bodies(`"minutes":45`, `"minutes":45.0`), "minutes of session."},
		"data twice":                 {bodies(`,"stream":"match-nemo-2023-autumn.m5"`, `,"data":{},"stream":"match-nemo-2023-autumn.m5"`), `it has "data" twice`},
		"a stream in two cases":      {bodies(`,"stream":"match-nemo-2023-autumn.m5"`, `,"stream":"match-nemo-2023-autumn.m5","Stream":"m6"`), `it has "Stream" twice`},
		"an envelope in two cases":   {bodies(`,"recorded_at":"`, `,"Recorded_At":"2022-01-01T00:00:00Z","recorded_at":"`), "twice"},
		"a part more":                {bodies(`,"stream":"match-nemo-2023-autumn.m5"}]`, `,"stream":"match-nemo-2023-autumn.m5"},{}]`), form},
		"a size twice":               {ledger(`"size":`, `"size":1,"size":`), form},
		"a size in another case":     {ledger(`"size":`, `"Size":`), form},
		"a book and claims":          {ledger(`{"book":"rehearsal/cycle`, `{"claims":"x","book":"rehearsal/cycle`), form},
		"both in order":              {ledger(`,"root":`, `,"claims":"x","root":`), form},
		"claims of no size":          {ledger(`{"claims":`, `{"size":0,"claims":`), form},
		"a statement with a space":   {ledger(`{"claims":`, `{"claims": `), form},
		"a statement after another":  {ledger(`{"claims":`, `{"claims":"x"}{"claims":`), "after top-level value"},
		"a statement of nothing":     {ledger(`{"claims":`, "{}\n{\"claims\":"), "ledger.jsonl"},
		"a statement without a root": {ledger(`{"claims":`, "{\"book\":\"cycle/x\",\"size\":1}\n{\"claims\":"), form},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forged := files(t, x.autumn)
			row.alter(forged)
			is := files(t, x.autumn)
			require.False(t, maps.EqualFunc(forged, is, bytes.Equal), "nothing was altered")
			if bytes.Equal(forged["ledger.jsonl"], is["ledger.jsonl"]) {
				restate(t, forged, x.key, false)
			}
			_, err := verify.Check(zipped(list(forged)), x.policy, nil)
			require.ErrorContains(t, err, row.says)
		})
	}
}

// Whoever has the key can put anything into a record, and still not steer the
// terminal on which its events are listed.
func TestListedEventsDoNotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	x := packed(t)
	forged := files(t, x.autumn)
	bodies(`"stream":"match-nemo-2023-autumn.m5"`, `"stream":"m5\u001b[2K\n\u202e"`)(forged)
	restate(t, forged, x.key, false)
	var out, talk bytes.Buffer
	code := verify.Main("daybook-verify", []string{filepath.Join(write(t, zipped(list(forged))), "file"), "--policy", x.policyFile, "--events"}, &out, &talk)
	require.Zero(t, code, out.String()+talk.String())
	require.Contains(t, out.String(), "match.made  m5\ufffd[2K\ufffd\ufffd")
	require.NotContains(t, out.String(), "\x1b")
}

// Whatever is done to a pack by chance, it is refused or says the same.
// DAYBOOK_PACKS=N sets how many are tried.
func TestNoPackAlteredByChancePasses(t *testing.T) {
	t.Parallel()
	packs, err := strconv.Atoi(os.Getenv("DAYBOOK_PACKS"))
	if err != nil {
		packs = 200
	}
	x := packed(t)
	later := x.later(t)
	is, other := files(t, later), files(t, x.spring)
	for seed := range packs {
		r := mathrand.New(mathrand.NewPCG(uint64(seed), 1))
		all := map[string][]byte{}
		for name, b := range is {
			all[name] = slices.Clone(b)
		}
		name := verify.Names[r.IntN(len(verify.Names)-1)]
		at := func() int { return r.IntN(len(all[name])) }
		l := slices.Collect(strings.Lines(string(all[name])))
		i, j := r.IntN(len(l)), r.IntN(len(l))
		switch r.IntN(10) {
		case 0, 1:
			all[name][at()] ^= 1 << r.IntN(8)
		case 2:
			all[name] = slices.Delete(all[name], i, i+1)
		case 3:
			all[name] = slices.Insert(all[name], at(), byte(r.IntN(256)))
		case 4:
			all[name] = all[name][:at()]
		case 5:
			l[i], l[j] = l[j], l[i]
			all[name] = []byte(strings.Join(l, ""))
		case 6:
			all[name] = []byte(strings.Join(slices.Delete(l, i, i+1), ""))
		case 7:
			all[name] = []byte(strings.Join(slices.Insert(l, i, l[j]), ""))
		case 8:
			if all[name] = other[name]; all[name] == nil {
				continue
			}
		case 9: // the zip itself, its manifest too
		}
		b := zipped(list(all))
		if slices.EqualFunc(list(all), list(is), func(a, b verify.File) bool { return bytes.Equal(a.Body, b.Body) }) {
			b = slices.Clone(later)
			for range 1 + r.IntN(3) {
				b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			}
			b = b[:len(b)-r.IntN(2)*r.IntN(40)]
		}
		p, err := verify.Check(b, x.policy, nil)
		if err == nil {
			got := files(t, b)
			// A signature by nobody known, or twice, is passed over, as signed
			// notes have it; what was signed is not.
			text, signatures, _ := strings.Cut(string(got["checkpoint"]), "\n\n")
			require.True(t, strings.HasPrefix(string(is["checkpoint"]), text+"\n\n"), "seed %d", seed)
			require.Contains(t, signatures, string(is["checkpoint"][len(text)+2:]), "seed %d", seed)
			got["checkpoint"], got["manifest.json"] = is["checkpoint"], is["manifest.json"]
			require.Equal(t, is, got, "seed %d: %s, %d figures", seed, name, len(p.Claims.Figures))
		}
	}
}
