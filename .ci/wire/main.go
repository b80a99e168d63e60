// Wire serves an empty log in memory over the EventStoreDB protocol, for
// clients that can't live in one binary with it: it runs a command with the
// log's address, host:port, in $ESDB, and ends with the command's exit code.
//
//	go run ./.ci/wire node .ci/node/check.mjs
package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/daybook-engine/daybook/eventstore/esdbserver"
	"github.com/daybook-engine/daybook/eventstore/memory"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "wire: which command?")
		return 2
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "wire:", err)
		return 1
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	store := memory.New()
	defer store.Close()
	go func() { served <- esdbserver.New(store, esdbserver.Options{}).Serve(ctx, l) }()

	limited, end := context.WithTimeout(ctx, 5*time.Minute)
	defer end()
	c := exec.CommandContext(limited, args[0], args[1:]...)
	c.Env = append(os.Environ(), "ESDB="+l.Addr().String())
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	asked := c.Run()
	cancel()
	if err := <-served; err != nil {
		fmt.Fprintln(os.Stderr, "wire:", err)
		return 1
	}
	if exit := new(exec.ExitError); errors.As(asked, &exit) {
		return exit.ExitCode()
	} else if asked != nil {
		fmt.Fprintln(os.Stderr, "wire:", asked)
		return 1
	}
	return 0
}
