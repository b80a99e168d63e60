// Package domaintest puts an aggregate's rules to the test as a table: given
// what happened, when somebody asks for something, then these are the facts,
// or that is the refusal.
package domaintest

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/domain/when"
)

type state[S, E any] interface{ Apply(E) S }

// A Row is one case of a rule.
type Row[S state[S, E], E any] struct {
	Name  string // a sentence; it starts with an invariant's number where it is about one
	Given []E
	Now   string // 2023-07-31T00:30 Asia/Tbilisi
	When  interface {
		Decide(S, time.Time) ([]E, error)
	}
	Then  []E           // private texts as said, without their digests
	Err   *domain.Error // nil: accepted
	Again *domain.Error // the answer to a second asking, where that is no longer "already so"
}

// At is a time as people write it.
func At(text string) time.Time {
	at, err := when.Parse(text)
	if err != nil {
		panic(err) // a mistake in a table
	}
	return at
}

// Run asks every row, then asks again what was accepted: nothing more may
// happen. Every refusal, command and event that the package's source declares
// must have a row.
//
// Private texts are committed as the engine does it, with one salt for all, so
// that the rows' own texts, committed likewise, compare whole. What was
// decided goes through its stored form before it is asked again.
func Run[S state[S, E], E any](t *testing.T, rows []Row[S, E]) {
	t.Helper()
	left := declared(t)
	for _, row := range rows {
		delete(left, reflect.TypeOf(row.When).Name()+".Decide")
		for _, e := range row.Then {
			delete(left, reflect.TypeOf(e).Name()+".evolve")
		}
		for _, err := range []*domain.Error{row.Err, row.Again} {
			if err != nil {
				delete(left, strconv.Quote(err.Code))
			}
		}
	}
	require.Empty(t, left, "declared, and without a row")

	for _, row := range rows {
		t.Run(row.Name, func(t *testing.T) {
			t.Parallel()
			var now time.Time
			if row.Now != "" {
				now = At(row.Now)
			}
			var s S
			for _, e := range row.Given {
				s = s.Apply(e)
			}
			cmd := committed(row.When)
			before := fmt.Sprintf("%+v", s)

			got, err := cmd.Decide(s, now)
			answers(t, row.Err, err)
			want := make([]E, len(row.Then))
			for i, e := range row.Then {
				want[i] = committed(e)
			}
			if len(want) > 0 || len(got) > 0 {
				require.Equal(t, want, got)
			}

			next := s
			for i, e := range got {
				got[i] = stored(t, e)
				next = next.Apply(got[i])
			}
			require.Equal(t, before, fmt.Sprintf("%+v", s), "an old state never changes")
			if row.Err != nil {
				// Where a refusal is kept, the same command gets the same answer again.
				for _, e := range got {
					require.Equal(t, err, any(e).(interface{ Refused() *domain.Error }).Refused())
				}
				return
			}
			got, err = cmd.Decide(next, now)
			answers(t, row.Again, err)
			require.Empty(t, got, "asked again")
		})
	}
}

func answers(t *testing.T, want *domain.Error, got error) {
	t.Helper()
	if want == nil {
		require.NoError(t, got)
		return
	}
	var e *domain.Error
	require.True(t, errors.As(got, &e), "want %s, got %v", want.Code, got)
	require.Equal(t, want.Code, e.Code, "%v", got)
	require.Equal(t, want.Kind, e.Kind)
	require.NotContains(t, e.Text, "()", "a reason is given, or none")
}

func committed[T any](v T) T {
	p := reflect.New(reflect.TypeOf(v))
	p.Elem().Set(reflect.ValueOf(v))
	schema.Commit(p.Interface(), func(int) []byte { return []byte("salt") })
	return p.Elem().Interface().(T)
}

// stored is e as it is read back: the same bytes, and no word of a private
// text in them.
func stored[E any](t *testing.T, e E) E {
	t.Helper()
	name, body, err := schema.Encode(e)
	require.NoError(t, err)
	for _, p := range schema.Private(e) {
		require.NotEmpty(t, p.Kind)
		require.NotEmpty(t, p.Readers)
		require.NotEmpty(t, p.Subjects)
		if p.Text != "" {
			require.NotContains(t, string(body), p.Text)
		}
	}
	back, err := schema.Decode(name, body)
	require.NoError(t, err)
	_, again, err := schema.Encode(back)
	require.NoError(t, err)
	require.Equal(t, string(body), string(again))
	return back.(E)
}

// declared is what the package under test promises, read from its source: the
// "code" of each refusal that it gives itself, Command.Decide, Event.evolve.
func declared(t *testing.T) map[string]bool {
	t.Helper()
	found, codes, used := map[string]bool{}, map[string]string{}, map[string]bool{}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && (f.Name.Name == "Decide" || f.Name.Name == "evolve") {
				found[f.Recv.List[0].Type.(*ast.Ident).Name+"."+f.Name.Name] = true
			}
			_, isFunc := d.(*ast.FuncDecl)
			ast.Inspect(d, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					used[n.Name] = used[n.Name] || isFunc
				case *ast.ValueSpec:
					if c, ok := first(n.Values).(*ast.CallExpr); ok && !isFunc && strings.HasPrefix(n.Names[0].Name, "Err") {
						codes[n.Names[0].Name] = c.Args[0].(*ast.BasicLit).Value
					}
				}
				return true
			})
		}
	}
	for name, code := range codes {
		if used[name] {
			found[code] = true
		}
	}
	return found
}

func first(list []ast.Expr) ast.Expr {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}
