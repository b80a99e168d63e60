package relay

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/daybook-engine/daybook/domain/access"
	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/workflows"
	"github.com/daybook-engine/daybook/workflows/document"
)

// A Target is one place outside that is told of events.
type Target struct {
	Name    string   `yaml:"target"`  // its own, lower-case; it names the target's checkpoint, so a new name begins anew
	Kind    string   `yaml:"kind"`    // nats, kafka, amqp or webhook
	URL     string   `yaml:"url"`     // scheme://host:port as schemes has it; of a webhook https://…, or http:// on this machine
	Subject string   `yaml:"subject"` // nats: what subjects begin with, and the event's name follows, as in daybook.session.held; kafka: the topic; amqp: the exchange
	Secret  Secret   `yaml:"secret"`  // webhook: whsec_ and base64 of 24 to 64 bytes; nats: a token; kafka and amqp: user:password, if the broker wants them
	Events  []string `yaml:"events"`  // names of events, at least one

	key            []byte // of a webhook
	token          string // of NATS
	user, password string // of Kafka (SASL/PLAIN) and AMQP
}

// schemes are those of each kind of broker, the second one over TLS.
var schemes = map[string][2]string{
	"nats":  {"nats", "tls"},
	"kafka": {"kafka", "kafkas"},
	"amqp":  {"amqp", "amqps"},
}

// A Source is a place outside whose messages are commands.
type Source struct {
	Name     string   `yaml:"source"`  // its own, lower-case; the consumer is named after it, daybook-NAME
	Kind     string   `yaml:"kind"`    // nats, where nothing is said, or amqp
	URL      string   `yaml:"url"`     // scheme://host:port as schemes has it
	Subject  string   `yaml:"subject"` // nats: the subject; amqp: the queue, which is there
	Answers  string   `yaml:"answers"` // the subject or queue in which every message is answered; of a subject a stream must keep it. Without it refusals are told in the log
	Secret   Secret   `yaml:"secret"`  // a token, or of amqp user:password, if the broker wants one
	By       string   `yaml:"by"`      // ROLE/HANDLE, for whom it acts
	Commands []string `yaml:"commands"`

	token          string
	user, password string // of AMQP
}

// at is where a source is found, as a target there would be.
func (s Source) at() Target {
	return Target{Kind: s.Kind, URL: s.URL, token: s.token, user: s.user, password: s.password}
}

func (s Source) takes(command string) bool { return slices.Contains(s.Commands, command) }

// A Config says who is told, and who is heard.
type Config struct {
	Targets []Target `yaml:"targets"`
	Sources []Source `yaml:"sources"`
}

// A Secret says where a secret is kept: never in the configuration itself.
type Secret struct {
	Env  string `yaml:"env"`  // an environment variable, or
	File string `yaml:"file"` // a file, beside the configuration unless absolute
}

// Load reads a configuration, and the secrets it names. Its error joins
// everything that is wrong, each a *document.Error with file, line, column
// and what was expected; no secret that was read is in it.
func Load(path string) (Config, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return Config{}, err
	}
	doc, err := document.Parse(path, source)
	if err != nil {
		return Config{}, err
	}
	var c Config
	if err := doc.Decode(&c); err != nil {
		return Config{}, err
	}
	if len(c.Targets)+len(c.Sources) == 0 {
		return Config{}, doc.AtPath("targets", "targets: expected at least one, or one of sources")
	}
	var faults []error
	at := func(list string, i int) func(field, format string, args ...any) {
		return func(field, format string, args ...any) {
			at := fmt.Sprintf("%s[%d].%s", list, i, field)
			faults = append(faults, doc.AtPath(at, "%s: expected %s", document.FromOne(at), fmt.Sprintf(format, args...)))
		}
	}
	seen := map[string]bool{}
	for i := range c.Targets {
		c.Targets[i].check(filepath.Dir(path), seen, at("targets", i))
	}
	seen = map[string]bool{}
	for i := range c.Sources {
		c.Sources[i].check(filepath.Dir(path), seen, at("sources", i))
	}
	return c, errors.Join(faults...)
}

// check tells what is wrong with a target, and reads its secret.
func (t *Target) check(dir string, seen map[string]bool, fault func(field, format string, args ...any)) {
	if !names.MatchString(t.Name) || seen[t.Name] {
		fault("target", aName)
	}
	seen[t.Name] = true
	secret, err := t.Secret.read(dir)
	if len(t.Events) == 0 {
		fault("events", "at least one name of an event")
	}
	for j, name := range t.Events {
		if known := schema.Names(); !slices.Contains(known, name) {
			fault(fmt.Sprintf("events[%d]", j), "the name of an event, found %s", document.Suggest(name, known))
		}
	}
	switch t.Kind {
	case "webhook":
		if !webhookURL(t.URL) {
			fault("url", "an https:// address without a password, or http:// on this machine")
		}
		if t.Subject != "" {
			fault("subject", "none: a webhook has an address only")
		}
		if err == nil {
			t.key, err = signingKey(secret)
		}
	case "nats", "kafka", "amqp":
		scheme := schemes[t.Kind]
		if !brokerURL(t.URL, scheme) {
			fault("url", "%s://host:port or %s://host:port, without a password", scheme[0], scheme[1])
		}
		if !subjects.MatchString(t.Subject) {
			fault("subject", "words joined by full stops, as in daybook")
		}
		if t.Kind == "nats" {
			t.token = secret
		} else if err == nil {
			t.user, t.password, err = login(secret)
		}
	default:
		fault("kind", "nats, kafka, amqp or webhook")
	}
	if err != nil {
		fault("secret", "%v", err)
	}
}

// check tells what is wrong with a source, and reads its secret.
func (s *Source) check(dir string, seen map[string]bool, fault func(field, format string, args ...any)) {
	if !names.MatchString(s.Name) || seen[s.Name] {
		fault("source", aName)
	}
	seen[s.Name] = true
	if s.Kind == "" {
		s.Kind = "nats"
	}
	if scheme := schemes[s.Kind]; s.Kind != "nats" && s.Kind != "amqp" {
		fault("kind", "nats or amqp")
	} else if !brokerURL(s.URL, scheme) {
		fault("url", "%s://host:port or %s://host:port, without a password", scheme[0], scheme[1])
	}
	if !subjects.MatchString(s.Subject) {
		fault("subject", "words joined by full stops, as in desk.commands")
	}
	if s.Answers != "" && (s.Answers == s.Subject || !subjects.MatchString(s.Answers)) {
		fault("answers", "another subject, words joined by full stops, as in desk.answers")
	}
	role, _, err := workflows.ParseActor(s.By)
	if err != nil {
		fault("by", "ROLE/HANDLE: %v", err)
	}
	if len(s.Commands) == 0 {
		fault("commands", "at least one command")
	}
	for j, name := range s.Commands {
		if known := workflows.Commands(); !slices.Contains(known, name) {
			fault(fmt.Sprintf("commands[%d]", j), "a command, found %s", document.Suggest(name, known))
		} else if denied := access.Allow(role, name); err == nil && denied != nil {
			fault(fmt.Sprintf("commands[%d]", j), "a command of %s: %v", s.By, denied)
		}
	}
	secret, err := s.Secret.read(dir)
	if err == nil && s.Kind == "amqp" {
		s.user, s.password, err = login(secret)
	} else {
		s.token = secret
	}
	if err != nil {
		fault("secret", "%v", err)
	}
}

const aName = "a name of its own, lower-case letters, digits and dashes"

var (
	names    = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	subjects = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
)

func webhookURL(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Host == "" {
		return false
	}
	here := u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && here
}

func brokerURL(address string, schemes [2]string) bool {
	u, err := url.Parse(address)
	return err == nil && u.User == nil && u.Hostname() != "" && u.Port() != "" && slices.Contains(schemes[:], u.Scheme)
}

// read gives a secret without the space around it; none where none is named.
func (s Secret) read(dir string) (string, error) {
	switch {
	case s.Env != "" && s.File != "":
		return "", errors.New("env or file, not both")
	case s.Env != "":
		text := strings.TrimSpace(os.Getenv(s.Env))
		if text == "" {
			return "", fmt.Errorf("a secret in the environment variable %s", s.Env)
		}
		return text, nil
	case s.File != "":
		path := s.File
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("a secret in a file: %v", err)
		}
		return strings.TrimSpace(string(text)), nil
	}
	return "", nil
}

// login reads user:password; none is none.
func login(secret string) (user, password string, err error) {
	user, password, both := strings.Cut(secret, ":")
	if secret != "" && (!both || user == "") {
		err = errors.New("user:password")
	}
	return user, password, err
}

// signingKey reads a symmetric secret as Standard Webhooks (Signature scheme)
// writes it.
func signingKey(secret string) ([]byte, error) {
	text, ok := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errors.New("whsec_ and the base64 of 24 to 64 random bytes, in a file or the environment")
	}
	return key, nil
}
