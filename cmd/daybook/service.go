package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/kardianos/service"
	"github.com/spf13/cobra"

	"github.com/daybook-engine/daybook/eventstore/durable"
	"github.com/daybook-engine/daybook/workflows/mail"
)

// unit is the service as systemd knows it.
const unit = `[Unit]
Description={{.Description}}

[Service]
ExecStart={{.Path|cmd}}{{range .Arguments}} {{.|cmd}}{{end}}
{{if .UserName}}User={{.UserName}}
{{end -}}
Restart=on-failure
RestartSec=10
UMask=0077
NoNewPrivileges=true

[Install]
WantedBy=%s
`

func newService() *cobra.Command {
	c := &cobra.Command{
		Use:   "service",
		Short: "Let this machine run daybook serve by itself, from when it starts",
		Long: `Let this machine run daybook serve by itself, from when it starts: by systemd on Linux,
launchd on macOS, and as a service of Windows. Install it with the options that
daybook serve is to have, then start it. An administrator installs it for the machine,
and it runs as whoever the data directory belongs to; with --user you install it for
yourself, and it runs while you are signed in (on Linux longer, after
loginctl enable-linger). The options are kept in the data directory, in a file for each
service, which only its owner may read: a password of --mail is told nowhere else.
Paths among them are made absolute, but for those within --log and --vault: give
those whole.`,
		Example: `  daybook service install --user --as coordinator/anna --backup /media/usb/daybook
  daybook service start --user
  daybook service status --user`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newServiceInstall(), newServiceRun())
	for _, x := range []struct {
		verb, short, done string
		do                func(m *managed, options string) error
	}{
		{"uninstall", "Run it no more, and forget its options; the daybook stays as it is", "uninstalled; the daybook stays as it is", func(m *managed, options string) error {
			_ = m.Stop() // it may not run
			if err := m.Uninstall(); err != nil {
				return err
			}
			if err := os.Remove(options); !errors.Is(err, fs.ErrNotExist) { // they may have passwords
				return err
			}
			return nil
		}},
		{"start", "Start it now", "started", func(m *managed, _ string) error { return m.Start() }},
		{"stop", "Stop it until the machine starts again", "stopped", func(m *managed, _ string) error { return m.Stop() }},
	} {
		m := &managed{}
		verb := &cobra.Command{Use: x.verb, Short: x.short, Args: args(cobra.NoArgs), RunE: func(c *cobra.Command, _ []string) error {
			b, err := shut(c)
			if err == nil {
				err = m.open(&service.Config{})
			}
			if err == nil {
				err = m.told(x.do(m, m.options(b)))
			}
			if err == nil {
				fmt.Fprintln(c.ErrOrStderr(), x.done)
			}
			return err
		}}
		m.flags(verb)
		c.AddCommand(verb)
	}
	m := &managed{}
	status := &cobra.Command{Use: "status", Short: "Tell whether it runs, and where it is shown", Args: args(cobra.NoArgs), RunE: func(c *cobra.Command, _ []string) error {
		if err := m.open(&service.Config{}); err != nil {
			return err
		}
		state, err := m.Status()
		switch {
		case errors.Is(err, service.ErrNotInstalled):
			fmt.Fprintln(c.OutOrStdout(), "not installed")
			return nil
		case err != nil:
			return m.told(err)
		case state != service.StatusRunning:
			fmt.Fprintln(c.OutOrStdout(), "stopped")
			return nil
		}
		b, err := shut(c)
		if err == nil {
			fmt.Fprintln(c.OutOrStdout(), strings.TrimSpace("running "+b.served(c.Context())))
		}
		return err
	}}
	m.flags(status)
	c.AddCommand(status)
	return c
}

// A managed service is one that the machine's own manager looks after.
type managed struct {
	service.Service
	name string
	user bool
}

func (m *managed) flags(c *cobra.Command) {
	c.Flags().BoolVar(&m.user, "user", false, "for yourself alone, without an administrator's rights")
	c.Flags().StringVar(&m.name, "name", "daybook", "what the service is called, where there are several")
}

// manageable tells of a machine that has no manager to install with. There are
// others that start what they are given, and keep nothing running.
func manageable(platform string) error {
	switch platform {
	case "linux-systemd", "darwin-launchd", "windows-service":
		return nil
	}
	return usage{fmt.Errorf("this machine has neither systemd, launchd nor the services of Windows (%s): let what starts programs here run daybook serve", cmp.Or(platform, runtime.GOOS))}
}

// open finds the service by its name.
func (m *managed) open(config *service.Config) (err error) {
	if err := manageable(service.Platform()); err != nil {
		return err
	}
	switch {
	case m.user && runtime.GOOS == "windows":
		return usage{errors.New("--user: Windows knows no services of one's own: leave it out, as an administrator; or put a link to daybook into the folder that shell:startup opens")}
	case strings.ContainsAny(m.name, "/\\ ") || m.name == "":
		return usage{fmt.Errorf("--name %s: expected a word", m.name)}
	}
	config.Name, config.DisplayName = m.name, "Daybook ("+m.name+")"
	config.Description = "Daybook keeps the book of a programme"
	wanted := "multi-user.target"
	if m.user {
		wanted = "default.target"
	}
	config.Option = service.KeyValue{
		"UserService": m.user, "SystemdScript": fmt.Sprintf(unit, wanted), "RunAtLoad": true, "OnFailure": "restart", "OnFailureDelayDuration": "10s",
	}
	m.Service, err = service.New(nil, config)
	return err
}

// options is the file of the options with which it shows a book. A machine's
// service and one of somebody's own may have the same name.
func (m *managed) options(b *book) string {
	kind := "service-"
	if m.user {
		kind = "user-service-"
	}
	return filepath.Join(b.dir, kind+m.name+".json")
}

// free tells that there is no such service, and where systemd would have its
// unit: systemctl knows of none while it cannot be asked.
func (m *managed) free() (string, error) {
	file := filepath.Join("/etc/systemd/system", m.name+".service")
	if m.user {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", err
		}
		file = filepath.Join(home, ".config/systemd/user", m.name+".service")
	}
	if _, err := os.Stat(file); err == nil {
		return "", usage{fmt.Errorf("%s is there already: daybook service uninstall takes it away", file)}
	}
	switch _, err := m.Status(); {
	case err == nil:
		return "", usage{fmt.Errorf("the service %s is there already: daybook service uninstall takes it away", m.name)}
	case !errors.Is(err, service.ErrNotInstalled):
		return "", m.told(err)
	}
	return file, nil
}

// install leaves no unit behind where it fails, so that it can be tried again.
func (m *managed) install(unit string) error {
	err := m.told(m.Install())
	if err != nil && service.Platform() == "linux-systemd" {
		_ = os.Remove(unit) // where it was made at all
	}
	return err
}

// told says who refused, and what may be in the way: the managers' own words do
// not all come through.
func (m *managed) told(err error) error {
	switch {
	case err == nil:
		return nil
	case !m.user && (os.Geteuid() > 0 || errors.Is(err, fs.ErrPermission)):
		return fmt.Errorf("%s: %w; it takes an administrator's rights (sudo), or --user", service.Platform(), err)
	case m.user && runtime.GOOS == "linux":
		return fmt.Errorf("%s: %w; what systemctl --user status says tells more, and without a session of yours it answers nothing", service.Platform(), err)
	}
	return fmt.Errorf("%s: %w", service.Platform(), err)
}

// unattended is how daybook is to run with nobody there.
type unattended struct {
	Args []string          `json:"args"`
	Env  map[string]string `json:"env,omitempty"`
}

func newServiceInstall() *cobra.Command {
	m, s := &managed{}, newServing()
	c := &cobra.Command{
		Use:   "install",
		Short: "Have it run from when the machine starts, with these options of daybook serve",
		Args:  args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.check(c); err != nil {
				return err
			}
			b, err := shut(c)
			if err == nil {
				err = b.found()
			}
			if err == nil && s.backups != "" {
				err = b.backsUp(s.backups)
			}
			if err != nil {
				return err
			}
			if err = s.absolute(b); err != nil {
				return err
			}
			file := m.options(b)
			config := &service.Config{Arguments: []string{"service", "run", file}, Executable: "", UserName: ""}
			if !m.user {
				config.UserName = ownerOf(b.dir)
			}
			if runtime.GOOS == "linux" { // systemd has words of its own in a line
				if config.Executable, err = os.Executable(); err != nil {
					return err
				}
				literally := strings.NewReplacer(`\`, `\\`, "%", "%%", "$", "$$")
				config.Arguments[2], config.Executable = literally.Replace(file), literally.Replace(config.Executable)
			}
			if err := m.open(config); err != nil {
				return err
			}
			unit, err := m.free()
			if err != nil {
				return err
			}
			if err := m.install(unit); err != nil {
				return err
			}
			// Nothing starts it before its options are there.
			if err := s.unattended(b, file); err != nil {
				return errors.Join(err, m.Uninstall())
			}
			fmt.Fprintf(c.ErrOrStderr(), "installed, with its options in %s; start it with daybook service start\n", file)
			return nil
		},
	}
	m.flags(c)
	s.flags(c)
	return c
}

// absolute makes the paths among the options so: who it runs as may not come to
// where they were said.
func (s *serving) absolute(b *book) error {
	errs := []error{absolute(&b.dir), absolute(&s.file), absolute(&s.backups)}
	if files, ok := s.transport.(mail.Files); ok {
		errs = append(errs, absolute(&files.Dir))
		u, _ := url.Parse(s.mailURL) // check has read it
		u.Opaque = url.PathEscape(files.Dir)
		s.mailURL = u.String()
	}
	return errors.Join(errs...)
}

func absolute(path *string) (err error) {
	if *path != "" {
		*path, err = filepath.Abs(*path)
	}
	return err
}

// unattended keeps the options in a file of the directory's owner.
func (s *serving) unattended(b *book, file string) error {
	u := unattended{Args: []string{"serve", "--data", b.dir, "--addr", s.addr}, Env: map[string]string{}}
	for _, x := range [][2]string{{"--log", b.log}, {"--vault", b.seals}, {"--as", s.as}, {"--relay", s.file}, {"--backup", s.backups}, {"--mail", s.mailURL}} {
		if x[1] != "" {
			u.Args = append(u.Args, x[0], x[1])
		}
	}
	for _, name := range []string{"DAYBOOK_KEY_FILE", "DAYBOOK_REGISTER_FILE", "DAYBOOK_LEDGER_KEY_FILE"} {
		if value := os.Getenv(name); value != "" {
			if err := absolute(&value); err != nil {
				return err
			}
			u.Env[name] = value
		}
	}
	text, err := json.MarshalIndent(u, "", "  ")
	if err == nil {
		err = durable.WriteFile(file, append(text, '\n'), 0o600)
	}
	if err == nil {
		err = giveTo(file, b.dir)
	}
	return err
}

// newServiceRun is what the manager runs.
func newServiceRun() *cobra.Command {
	return &cobra.Command{
		Use:    "run FILE",
		Short:  "Serve as the options of a service say",
		Hidden: true,
		Args:   args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, given []string) error {
			text, err := readFile(given[0])
			if err != nil {
				return err
			}
			var u unattended
			if err := json.Unmarshal(text, &u); err != nil {
				return usage{fmt.Errorf("%s: %w; install the service again", given[0], err)}
			}
			for name, value := range u.Env {
				if err := os.Setenv(name, value); err != nil {
					return err
				}
			}
			serve := func(ctx context.Context) int { return run(ctx, u.Args, c.OutOrStdout(), c.ErrOrStderr()) }
			if runtime.GOOS == "windows" && !service.Interactive() {
				return runUnder(c.Context(), serve)
			}
			if code := serve(c.Context()); code != 0 {
				return exitCode(code)
			}
			return nil
		},
	}
}

// runUnder serves until the manager of Windows says that it is enough. When it
// ends by itself, so does the process: a manager that was told nothing starts
// it again.
func runUnder(ctx context.Context, serve func(context.Context) int) error {
	p := &program{serve: serve, ended: make(chan struct{})}
	p.ctx, p.stop = context.WithCancel(ctx)
	s, err := service.New(p, &service.Config{Name: "daybook"})
	if err != nil {
		return err
	}
	return s.Run()
}

type program struct {
	ctx   context.Context
	stop  context.CancelFunc
	serve func(context.Context) int
	ended chan struct{}
}

func (p *program) Start(service.Service) error {
	go func() {
		defer close(p.ended)
		if code := p.serve(p.ctx); p.ctx.Err() == nil {
			os.Exit(code)
		}
	}()
	return nil
}

func (p *program) Stop(service.Service) error {
	p.stop()
	<-p.ended
	return nil
}
