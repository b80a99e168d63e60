package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/daybook-engine/daybook/"

// pure is the part of the standard library that a rule may use: nothing with
// a clock, a die, a file or a socket in it.
var pure = []string{
	"bytes", "cmp", "errors", "fmt", "maps", "slices", "strconv", "strings", "time", "math",
	"encoding/json", "github.com/go-json-experiment/json", "encoding/base64", "encoding/binary", "crypto/sha1", "crypto/sha256", "reflect", "sync", "unicode", "unicode/utf8",
}

// arrows says what each folder may import besides itself. A dot in the first
// element marks a module; "std" is the standard library whole. Tests may
// import more.
var arrows = map[string][]string{
	"domain": append([]string{module + "domain"}, pure...),
	"eventstore": {"std", module + "eventstore", "github.com/google/uuid", "zombiezen.com/go/sqlite", "modernc.org/sqlite", "github.com/jackc/pgx/v5", "golang.org/x/sys", "github.com/stretchr/testify",
		"github.com/EventStore/EventStore-Client-Go/v4", "google.golang.org/grpc", "google.golang.org/protobuf"},
	"projections": {"std", module + "domain", module + "eventstore", module + "projections", "github.com/google/uuid", "zombiezen.com/go/sqlite", "golang.org/x/mod/sumdb", "github.com/arran4/golang-ical"},
	"workflows":   {"std", module + "domain", module + "eventstore", module + "workflows", "github.com/google/uuid", "github.com/goccy/go-yaml", "golang.org/x/mod/sumdb", "github.com/ThreeDotsLabs/watermill", "github.com/ThreeDotsLabs/watermill-kafka/v3", "github.com/nats-io/nats.go", "github.com/IBM/sarama", "github.com/rabbitmq/amqp091-go", "github.com/wneessen/go-mail", "github.com/xuri/excelize/v2", "golang.org/x/text", "github.com/mozillazg/go-unidecode"},
	// Nothing of ours: whoever doubts us can read it alone.
	"cmd/daybook-verify": {"std", module + "cmd/daybook-verify", "golang.org/x/mod/sumdb"},
	"cmd/daybook/web":    {"std", module + "domain", module + "eventstore", module + "projections", "github.com/google/uuid", "github.com/xuri/excelize/v2", "golang.org/x/net/html", "golang.org/x/text"},
}

// adapters may be named in one file only, where the house is put together.
var adapters = []string{module + "eventstore/sqlite", module + "eventstore/vault", module + "eventstore/memory", module + "eventstore/esdb", module + "eventstore/esdbserver"}

func TestNothingPointsBack(t *testing.T) {
	t.Parallel()
	eachFile(t, func(path string, file *ast.File) {
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			require.NoError(t, err)
			for folder, allowed := range arrows {
				if strings.HasPrefix(path, folder+"/") {
					require.True(t, mayImport(allowed, imported), "%s imports %s", path, imported)
				}
			}
			for _, folder := range []string{"projections/", "workflows/", "cmd/"} {
				if strings.HasPrefix(path, folder) && slices.Contains(adapters, imported) {
					require.Equal(t, "cmd/daybook/open.go", path, "%s names an adapter", path)
				}
			}
			if strings.HasPrefix(path, "eventstore/") && strings.HasPrefix(imported, module+"eventstore/") && imported != module+"eventstore/durable" {
				require.Equal(t, "eventstore/storetest", filepath.Dir(path), "%s: adapters share the contract, how a file is put on the disk, and nothing else", path)
			}
		}
	})
}

// A verifier is trusted by those who can read it: a thousand lines of code.
func TestTheVerifierIsShort(t *testing.T) {
	t.Parallel()
	lines := 0
	eachFile(t, func(path string, file *ast.File) {
		if strings.HasPrefix(path, "cmd/daybook-verify/") {
			source, err := os.ReadFile("../../" + path)
			require.NoError(t, err)
			for line := range strings.Lines(string(source)) {
				if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
					lines++
				}
			}
		}
	})
	require.Greater(t, lines, 500)
	require.LessOrEqual(t, lines, 1000)
}

// The domain has no clock: now is an argument. The engine's clock is given to
// it, so that a season runs in a test.
func TestOnlyTheEdgeAsksForTheTime(t *testing.T) {
	t.Parallel()
	eachFile(t, func(path string, file *ast.File) {
		if strings.HasPrefix(path, "cmd/") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := selector.X.(*ast.Ident)
			if ok && pkg.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, selector.Sel.Name) {
				require.Fail(t, "a clock", "%s calls time.%s", path, selector.Sel.Name)
			}
			return true
		})
	})
}

func mayImport(allowed []string, imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	isModule := strings.Contains(first, ".")
	for _, a := range allowed {
		if a == imported || isModule && strings.HasPrefix(imported, a+"/") || a == "std" && !isModule {
			return true
		}
	}
	return false
}

// eachFile parses every file that is not a test. Opened files are part of
// the test's cache key, so its answer is never stale.
func eachFile(t *testing.T, visit func(path string, file *ast.File)) {
	root := os.DirFS("../..")
	files := 0
	require.NoError(t, fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "domain/domaintest/") {
			return err // domaintest is imported by tests only
		}
		source, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files++
		visit(path, file)
		return nil
	}))
	require.Greater(t, files, 50)
}
