package main_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Who is asked whom they mean, and interrupts it instead, has erased nobody.
func TestAnErasureIsInterruptedAtItsQuestion(t *testing.T) {
	t.Parallel()
	dir := seasonCopy(t)
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	defer terminal.Close()
	require.NoError(t, unix.IoctlSetPointerInt(int(terminal.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	in, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	defer in.Close()

	c := exec.CommandContext(t.Context(), "daybook", "erase", "p14", "--by", "coordinator/c1", "--approve", "r1", "--data", dir)
	c.Stdin = in
	stderr, err := c.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	talk := bufio.NewReader(stderr)
	question, err := talk.ReadString(':')
	require.NoError(t, err)
	require.Contains(t, question, "type the name to go on")
	require.NoError(t, c.Process.Signal(os.Interrupt))
	_, err = talk.ReadString('\n')
	require.NoError(t, err)
	answer, err := talk.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "daybook: nobody was erased\n", answer)
	require.Error(t, c.Wait())
	require.Equal(t, 1, c.ProcessState.ExitCode())
	require.Empty(t, daybook(t, dir, "events", "--name", "erasure"))
}
