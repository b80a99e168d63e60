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

	"github.com/daybook-engine/daybook/domain/schema"
	"github.com/daybook-engine/daybook/workflows/document"
)

// A Target is one place outside that is told of events.
type Target struct {
	Name    string   `yaml:"target"`  // its own, lower-case; it names the target's checkpoint, so a new name begins anew
	Kind    string   `yaml:"kind"`    // nats or webhook
	URL     string   `yaml:"url"`     // nats://host:port or tls://host:port; https://…, or http:// on this machine
	Subject string   `yaml:"subject"` // nats: what subjects begin with; the event's name follows, as in daybook.session.held
	Secret  Secret   `yaml:"secret"`  // webhook: whsec_ and base64 of 24 to 64 bytes; nats: a token, if the broker wants one
	Events  []string `yaml:"events"`  // names of events, at least one

	key   []byte // of a webhook
	token string // of a broker
}

// A Secret says where a secret is kept: never in the configuration itself.
type Secret struct {
	Env  string `yaml:"env"`  // an environment variable, or
	File string `yaml:"file"` // a file, beside the configuration unless absolute
}

// Load reads a configuration, and the secrets it names. Its error joins
// everything that is wrong, each a *document.Error with file, line, column
// and what was expected; no secret that was read is in it.
func Load(path string) ([]Target, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	doc, err := document.Parse(path, source)
	if err != nil {
		return nil, err
	}
	var form struct {
		Targets []Target `yaml:"targets"`
	}
	if err := doc.Decode(&form); err != nil {
		return nil, err
	}
	if len(form.Targets) == 0 {
		return nil, doc.AtPath("targets", "targets: expected at least one")
	}
	var faults []error
	seen := map[string]bool{}
	for i := range form.Targets {
		t := &form.Targets[i]
		fault := func(field, format string, args ...any) {
			at := fmt.Sprintf("targets[%d].%s", i, field)
			faults = append(faults, doc.AtPath(at, "%s: expected %s", at, fmt.Sprintf(format, args...)))
		}
		if !names.MatchString(t.Name) || seen[t.Name] {
			fault("target", "a name of its own, lower-case letters, digits and dashes")
		}
		seen[t.Name] = true
		secret, err := t.Secret.read(filepath.Dir(path))
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
		case "nats":
			if !brokerURL(t.URL) {
				fault("url", "nats://host:port or tls://host:port, without a password")
			}
			if !subjects.MatchString(t.Subject) {
				fault("subject", "words joined by full stops, as in daybook")
			}
			t.token = secret
		default:
			fault("kind", "nats or webhook")
		}
		if err != nil {
			fault("secret", "%v", err)
		}
	}
	return form.Targets, errors.Join(faults...)
}

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

func brokerURL(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.User == nil && u.Host != "" && (u.Scheme == "nats" || u.Scheme == "tls")
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
