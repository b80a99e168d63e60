// Package peers measures durable workflow steps beside two workflow engines
// that one process can hold too. Its module is its own: what they need is no
// part of Daybook.
package peers

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/cschleiden/go-workflows/backend"
	"github.com/cschleiden/go-workflows/backend/monoprocess"
	sqlitebackend "github.com/cschleiden/go-workflows/backend/sqlite"
	"github.com/cschleiden/go-workflows/client"
	"github.com/cschleiden/go-workflows/worker"
	"github.com/cschleiden/go-workflows/workflow"
	"github.com/dbos-inc/dbos-transact-golang/dbos"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain"
	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/eventstore/sqlite"
	"github.com/daybook-engine/daybook/workflows"
)

const (
	callers = 64 // workflows under way at any time
	steps   = 5  // of a workflow, one after another, each durable before the next
)

// BenchmarkSteps runs workflows of five steps from 64 callers, on the same
// machine in one run: Daybook's on SQLite, each step a command that leaves one
// event; go-workflows' on SQLite, each step an activity; DBOS's on the
// PostgreSQL that DAYBOOK_TEST_POSTGRES names, each step a RunAsStep.
func BenchmarkSteps(b *testing.B) {
	b.Run("daybook", daybook)
	b.Run("go-workflows", goWorkflows)
	b.Run("dbos", transact)
}

// drive does b.N workflows, 64 at a time.
func drive(b *testing.B, run func(n int) error) {
	turns := make(chan int)
	var wg sync.WaitGroup
	b.ResetTimer()
	for range callers {
		wg.Go(func() {
			for n := range turns {
				if err := run(n); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for n := range b.N { // not b.Loop, which would stop the clock before the last are done
		turns <- n
	}
	close(turns)
	wg.Wait()
	b.ReportMetric(float64(b.N*steps)/b.Elapsed().Seconds(), "steps/s")
}

func daybook(b *testing.B) {
	store, err := sqlite.Open(filepath.Join(b.TempDir(), "log.db"), sqlite.Options{})
	require.NoError(b, err)
	defer store.Close()
	engine, err := workflows.New(b.Context(), workflows.Config{Store: store, Vault: noTexts{}, Now: time.Now, Tzdata: "2024a"})
	require.NoError(b, err)
	do := func(command, format string, args ...any) error {
		_, err := engine.Do(context.Background(), command, fmt.Appendf(nil, format, args...),
			workflows.Cause{CommandID: uuid.New(), Actor: "anna", Role: access.Coordinator, Channel: "web"})
		return err
	}
	require.NoError(b, do("definition.publish", `{"programme":"peers","definition":{"programme":"peers","title":"Peers","owner":"peers","zone":"Europe/Berlin","stages":[{"stage":"sessions","kind":"sessions","text":"Sessions"}]}}`))
	drive(b, func(n int) error {
		err := do("cycle.plan", `{"cycle":"c%d","programme":"peers","title":"A cycle","from":"2026-01","to":"2026-12"}`, n)
		for i := 1; i < steps && err == nil; i++ {
			err = do("stage.schedule", `{"cycle":"c%d","stage":"s%d","from":"2026-0%d","to":"2026-0%[3]d","published":"In good time"}`, n, i, i)
		}
		return err
	})
}

// noTexts is a vault for commands that have no personal text.
type noTexts struct{}

func (noTexts) Put(_ context.Context, secrets []workflows.Secret) error {
	if len(secrets) > 0 {
		return fmt.Errorf("%d texts are to be sealed", len(secrets))
	}
	return nil
}

func (noTexts) SetHandle(_ context.Context, handle string, _ domain.Person) error {
	return fmt.Errorf("%s is to be sealed", handle)
}

func (noTexts) Person(_ context.Context, handle string) (domain.Person, error) {
	return "", fmt.Errorf("%s is asked for", handle)
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func goWorkflows(b *testing.B) {
	mono := monoprocess.NewMonoprocessBackend(sqlitebackend.NewSqliteBackend(filepath.Join(b.TempDir(), "workflows.db"),
		sqlitebackend.WithBackendOptions(backend.WithLogger(quiet))))
	ctx, stop := context.WithCancel(context.Background())
	w := worker.New(mono, nil)
	require.NoError(b, w.RegisterWorkflow(fiveActivities))
	require.NoError(b, w.RegisterActivity(activity))
	require.NoError(b, w.Start(ctx))
	c := client.New(mono)
	drive(b, func(n int) error {
		wf, err := c.CreateWorkflowInstance(ctx, client.WorkflowInstanceOptions{InstanceID: uuid.NewString()}, fiveActivities, n)
		if err != nil {
			return err
		}
		_, err = client.GetWorkflowResult[int](ctx, c, wf, time.Minute)
		return err
	})
	stop()
	require.NoError(b, w.WaitForCompletion())
}

func activity(_ context.Context, n int) (int, error) { return n + 1, nil }

func fiveActivities(ctx workflow.Context, n int) (int, error) {
	for range steps {
		var err error
		if n, err = workflow.ExecuteActivity[int](ctx, workflow.DefaultActivityOptions, activity, n).Get(ctx); err != nil {
			return 0, err
		}
	}
	return n, nil
}

func transact(b *testing.B) {
	database := os.Getenv("DAYBOOK_TEST_POSTGRES")
	if database == "" {
		b.Skip("DAYBOOK_TEST_POSTGRES names no PostgreSQL")
	}
	ctx, err := dbos.NewDBOSContext(context.Background(), dbos.Config{DatabaseURL: database, AppName: "peers", Logger: quiet})
	require.NoError(b, err)
	dbos.RegisterWorkflow(ctx, fiveSteps)
	require.NoError(b, dbos.Launch(ctx))
	defer dbos.Shutdown(ctx, 10*time.Second)
	drive(b, func(n int) error {
		handle, err := dbos.RunWorkflow(ctx, fiveSteps, n)
		if err != nil {
			return err
		}
		_, err = handle.GetResult()
		return err
	})
}

func fiveSteps(ctx dbos.DBOSContext, n int) (int, error) {
	for range steps {
		var err error
		if n, err = dbos.RunAsStep(ctx, func(context.Context) (int, error) { return n + 1, nil }); err != nil {
			return 0, err
		}
	}
	return n, nil
}
