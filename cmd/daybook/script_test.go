package main_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/workflows"
)

// The scripts are the manual of the command line: one story each.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			rehearsals, err := filepath.Abs("rehearsals")
			env.Setenv("REHEARSALS", filepath.ToSlash(rehearsals))
			return err
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"season": putSeason,
			"exits":  exits,
			"flip":   flip,
			"forge":  forge,
			"cut":    cut,
			"serve":  serve,
			"future": future,
			"park":   park,
			"resave": resave,
			"find":   find,
		},
	})
}

// putSeason makes DIR a copy of the autumn season of 2023, rehearsed to its
// end.
func putSeason(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 1, "season DIR")
	ts.Check(copySeason(ts.MkAbs(args[0])))
}

// exits runs a program, and fails unless it ends with exit code CODE.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	code := 0
	err := ts.Exec(args[1], args[2:]...)
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, expected %s", code, args[0])
	}
}

// flip turns over one bit of the last byte of TEXT, which must stand in FILE
// once.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "flip FILE TEXT")
	file, text := ts.MkAbs(args[0]), []byte(args[1])
	b, err := os.ReadFile(file)
	ts.Check(err)
	if n := bytes.Count(b, text); n != 1 {
		ts.Fatalf("%q stands in %s %d times", text, file, n)
	}
	b[bytes.Index(b, text)+len(text)-1] ^= 1
	ts.Check(os.WriteFile(file, b, 0o600))
}

// forge puts NEW for OLD in the data of the one event of LOG that has it, and
// makes its checksum fit: what somebody can do who knows the file.
func forge(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 3, "forge LOG OLD NEW")
	conn, err := zombiezen.OpenConn(ts.MkAbs(args[0]), zombiezen.OpenReadWrite)
	ts.Check(err)
	defer conn.Close()
	ts.Check(sqlitex.ExecuteScript(conn, "DROP TRIGGER IF EXISTS events_are_never_changed", nil))
	var position int64
	var data []byte
	crc := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	found := 0
	ts.Check(sqlitex.Execute(conn, "SELECT position, stream, revision, id, name, metadata, data FROM events WHERE instr(data, CAST(? AS BLOB)) > 0", &sqlitex.ExecOptions{
		Args: []any{args[1]},
		ResultFunc: func(stmt *zombiezen.Stmt) error {
			found++
			bytesOf := func(i int) []byte {
				b := make([]byte, stmt.ColumnLen(i))
				stmt.ColumnBytes(i, b)
				return b
			}
			metadata := bytesOf(5)
			position, data = stmt.ColumnInt64(0), bytes.Replace(bytesOf(6), []byte(args[1]), []byte(args[2]), 1)
			length := func(n int) { _ = binary.Write(crc, binary.BigEndian, uint64(n)) }
			length(stmt.ColumnLen(1))
			crc.Write(bytesOf(1))
			length(int(stmt.ColumnInt64(2)))
			crc.Write(bytesOf(3))
			length(stmt.ColumnLen(4))
			crc.Write(bytesOf(4))
			length(len(metadata))
			length(len(data))
			crc.Write(metadata)
			crc.Write(data)
			return nil
		},
	}))
	if found != 1 {
		ts.Fatalf("%d events have %q", found, args[1])
	}
	ts.Check(sqlitex.Execute(conn, "UPDATE events SET data = ?, checksum = ? WHERE position = ?", &sqlitex.ExecOptions{Args: []any{data, int64(crc.Sum32()), position}}))
}

// cut shortens FILE to N bytes.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "cut FILE N")
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	ts.Check(os.Truncate(ts.MkAbs(args[0]), n))
}

// serve serves DIR until the script ends. When it returns, the server is up.
func serve(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 1, "serve DIR")
	c := exec.Command("daybook", "serve", "--addr", "127.0.0.1:0", "--data", ts.MkAbs(args[0]))
	out, err := c.StdoutPipe()
	ts.Check(err)
	ts.Check(c.Start())
	ts.Defer(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	_, err = bufio.NewReader(out).ReadString('\n')
	ts.Check(err)
}

// future records something in DIR in the year 2199, as a machine would whose
// clock was wrong.
func future(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 1, "future DIR")
	store, err := sqlite.Open(filepath.Join(ts.MkAbs(args[0]), "log.db"), sqlite.Options{})
	ts.Check(err)
	defer store.Close()
	id, name := uuid.New(), "organisation.registered"
	at := time.Date(2199, 1, 1, 12, 0, 0, 0, time.UTC)
	metadata, err := schema.Envelope{
		ID: id.String(), Name: name, RecordedAt: at, OccurredAt: at,
		Actor: id.String(), Role: "operator", Channel: "import", Book: "installation", CommandID: id.String(), Correlation: id.String(),
	}.Encode()
	ts.Check(err)
	_, err = store.Append(context.Background(), "organisation-late", eventstore.NoStream, eventstore.Event{
		ID: id, Name: name, Data: []byte(`{"name":"Late","kind":"museum"}`), Metadata: metadata,
	})
	ts.Check(err)
}

func need(ts *testscript.TestScript, args []string, n int, usage string) {
	if len(args) != n {
		ts.Fatalf("usage: %s", usage)
	}
}

// find sets VAR to what the group in REGEXP matches in FILE.
func find(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 3, "find VAR REGEXP FILE")
	found := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile(args[2]))
	if found == nil {
		ts.Fatalf("no %s in %s", args[1], args[2])
	}
	ts.Setenv(args[0], found[1])
}

// resave writes the rows of FROM, text with semicolons, to TO in another way: a
// workbook where that is its name, with dates and numbers as such and a text
// that begins with = as a formula, else text with commas in Windows-1252. The
// rows below the headings come in the opposite order.
func resave(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "resave FROM TO")
	r := csv.NewReader(strings.NewReader(ts.ReadFile(args[0])))
	r.Comma, r.FieldsPerRecord = ';', -1
	rows, err := r.ReadAll()
	ts.Check(err)
	headings := slices.IndexFunc(rows, func(row []string) bool { return row[1] != "" })
	slices.Reverse(rows[headings+1:])
	to := ts.MkAbs(args[1])
	if filepath.Ext(to) != ".xlsx" {
		var b bytes.Buffer
		ts.Check(csv.NewWriter(&b).WriteAll(rows))
		text, err := charmap.Windows1252.NewEncoder().Bytes(b.Bytes())
		ts.Check(err)
		ts.Check(os.WriteFile(to, text, 0o600))
		return
	}
	f := excelize.NewFile()
	defer f.Close()
	for i, row := range rows {
		for j, text := range row {
			cell, err := excelize.CoordinatesToCellName(j+1, i+1)
			ts.Check(err)
			if formula, ok := strings.CutPrefix(text, "="); ok {
				ts.Check(f.SetCellFormula("Sheet1", cell, formula))
			} else if at, err := time.Parse("02.01.2006 15:04", text); err == nil {
				ts.Check(f.SetCellValue("Sheet1", cell, at))
			} else if n, err := strconv.Atoi(text); err == nil {
				ts.Check(f.SetCellValue("Sheet1", cell, n))
			} else {
				ts.Check(f.SetCellValue("Sheet1", cell, text))
			}
		}
	}
	ts.Check(f.SaveAs(to))
}

// park parks POLICY in DIR at the newest event of NAME.
func park(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 3, "park DIR POLICY NAME")
	_, err := parkedAt(context.Background(), ts.MkAbs(args[0]), args[1], args[2])
	ts.Check(err)
}

// parkedAt is what a fault that tries have not mended leads to in a rehearsed
// directory; it gives the fields by which a person decides of it.
func parkedAt(ctx context.Context, dir, policy, name string) (string, error) {
	store, err := sqlite.Open(filepath.Join(dir, "log.db"), sqlite.Options{})
	if err != nil {
		return "", err
	}
	defer store.Close()
	clock := &workflows.VirtualClock{}
	g, err := workflows.New(ctx, workflows.Config{Store: store, Now: clock.Now, Rehearsal: true})
	if err != nil {
		return "", err
	}
	clock.Set(g.Latest())
	for r, err := range store.ReadAll(ctx, eventstore.ReadAll{Backwards: true}) {
		if err != nil {
			return "", err
		}
		if r.Name != name {
			continue
		}
		at := fmt.Sprintf(`"policy":%q,"stream":%q,"event":%q`, policy, r.Stream, r.ID)
		cause := workflows.Cause{CommandID: uuid.New(), Actor: policy, Role: access.Policy, Channel: "system", Causation: r.ID.String()}
		_, err = g.Do(ctx, "policy.park", json.RawMessage("{"+at+`,"attempts":5,"fault":"lookup"}`), cause)
		return at, err
	}
	return "", fmt.Errorf("no %s in %s", name, dir)
}
