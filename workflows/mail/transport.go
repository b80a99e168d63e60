package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"github.com/daybook-engine/daybook/eventstore/durable"
)

// timeout is how long a mail server may take to answer. What it does not
// answer after the text is unclear, so it is given time.
const timeout = time.Minute

// ErrURL is the answer to what names no transport. It repeats nothing of it:
// there may be a password in it.
var ErrURL = errors.New("expected smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS, smtps:// for TLS from the first byte, or file:DIR")

// Parse makes the transport that a URL names:
//
//	smtp://USER:PASSWORD@HOST:PORT?from=ADDRESS  a mail server, by STARTTLS; on this machine also without
//	smtps://…                                    the same, by TLS from the first byte
//	file:DIR                                     files, for who sends or reads them otherwise
//
// Without from it is the user, where that is an address.
func Parse(s string) (Transport, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, ErrURL
	}
	q := u.Query()
	from := q.Get("from")
	if from == "" && strings.Contains(u.User.Username(), "@") {
		from = u.User.Username()
	}
	q.Del("from")
	dir := u.Path
	if u.Opaque != "" {
		if dir, err = url.PathUnescape(u.Opaque); err != nil {
			return nil, ErrURL
		}
	}
	isFile := u.Scheme == "file" && u.Host == "" && dir != ""
	isServer := (u.Scheme == "smtp" || u.Scheme == "smtps") && u.Hostname() != "" && strings.Trim(u.Path, "/") == ""
	if !isFile && !isServer || len(q) > 0 {
		return nil, ErrURL
	}
	if isFile && from == "" {
		from = "daybook@localhost"
	}
	sender, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("%w: it does not say from which address, as in ?from=office@example.org", ErrURL)
	}
	if isFile {
		return Files{dir, *sender}, nil
	}
	return newServer(u, *sender)
}

// Files is a directory that gets a file for each mail.
type Files struct {
	Dir  string
	from mail.Address
}

// Open fails where the directory is away: the disk that it lies on, perhaps.
func (f Files) Open(context.Context) (Connection, error) {
	info, err := os.Stat(f.Dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no directory", f.Dir)
	}
	return f, err
}

func (Files) Close() {}

func (f Files) Send(m Mail) error {
	msg, err := compose(f.from, m)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if _, err := msg.WriteTo(&b); err != nil {
		return err
	}
	name := filepath.Join(f.Dir, fmt.Sprintf("%s-%d.eml", m.ID, m.Claim))
	err = durable.WriteFile(name, b.Bytes(), 0o600)
	if _, there := os.Stat(name); err != nil && there == nil {
		return fmt.Errorf("%w: %w", ErrUnclear, err)
	}
	return err
}

// A server takes mail by SMTP.
type server struct {
	host    string
	options []gomail.Option
	from    mail.Address
}

func newServer(u *url.URL, from mail.Address) (*server, error) {
	s := &server{host: u.Hostname(), from: from}
	local := s.host == "localhost"
	if ip := net.ParseIP(s.host); ip != nil {
		local = ip.IsLoopback()
	}
	port, policy := 587, gomail.TLSMandatory
	if local {
		policy = gomail.TLSOpportunistic
	}
	if u.Scheme == "smtps" {
		port = 465
		s.options = append(s.options, gomail.WithSSL())
	}
	if u.Port() != "" {
		var err error
		if port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, ErrURL
		}
	}
	s.options = append(s.options, gomail.WithTLSPolicy(policy), gomail.WithPort(port), gomail.WithTimeout(timeout))
	if name := u.User.Username(); name != "" {
		password, _ := u.User.Password()
		s.options = append(s.options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(name), gomail.WithPassword(password))
	}
	if _, err := gomail.NewClient(s.host, s.options...); err != nil {
		return nil, ErrURL
	}
	return s, nil
}

// Open makes a connection for one mail: one that lies open for hours is closed by
// servers just when it is needed. Errors go to the log, so they repeat nothing
// that a server says: it may quote an address, or the password.
func (s *server) Open(ctx context.Context) (Connection, error) {
	client, err := gomail.NewClient(s.host, s.options...)
	if err != nil {
		return nil, ErrURL
	}
	if err := client.DialWithContext(ctx); err != nil {
		return nil, unconnected(err)
	}
	return connection{client, s.from}, nil
}

// A connection takes one mail.
type connection struct {
	client *gomail.Client
	from   mail.Address
}

func (c connection) Close() { _ = c.client.Close() } // whatever became of it

func (c connection) Send(m Mail) error {
	msg, err := compose(c.from, m)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	err = c.client.Send(msg)
	if msg.IsDelivered() {
		return nil
	}
	var failed *gomail.SendError
	if !errors.As(err, &failed) {
		return ErrUnclear
	}
	code := failed.ErrorCode()
	told := errors.New(failed.Reason.String())
	if code > 0 {
		told = fmt.Errorf("%w, the server answered %d", told, code)
	}
	switch failed.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData:
	case gomail.ErrSMTPDataClose:
		if code == 0 { // the text was sent, and not answered
			return fmt.Errorf("%w: %w", ErrUnclear, told)
		}
	case gomail.ErrWriteContent: // what there is of it may go off when the connection ends
		return fmt.Errorf("%w: %w", ErrUnclear, told)
	default:
		return told
	}
	if code >= 500 {
		return fmt.Errorf("%w: %w", ErrRefused, told)
	}
	return told
}

// unconnected says why there is no connection: what the network and the
// certificate say is this side's, and of the server's answer its code.
func unconnected(err error) error {
	var (
		answer      *textproto.Error
		certificate *tls.CertificateVerificationError
		network     net.Error
	)
	switch {
	case errors.As(err, &answer):
		return fmt.Errorf("connecting, the server answered %d", answer.Code)
	case errors.As(err, &certificate):
		return certificate
	case errors.As(err, &network):
		return network
	}
	return errors.New("the server and the URL do not agree on TLS, or on how to log in")
}

// compose makes the mail: the same bytes for the same message, at any time. Its
// Message-ID follows from the message, so that where it was sent twice on
// purpose, mail programs can tell.
func compose(from mail.Address, m Mail) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent(), gomail.WithBoundary("daybook-"+m.ID))
	if err := errors.Join(msg.From(from.String()), msg.To(m.To.String())); err != nil {
		return nil, errors.New("the address cannot be written in a mail") // not err: it has the address
	}
	_, host, _ := strings.Cut(from.Address, "@")
	msg.SetMessageIDWithValue(m.ID + "@" + host)
	msg.SetDateWithValue(m.Date)
	msg.SetGenHeader(gomail.Header("Auto-Submitted"), "auto-generated") // RFC 3834: no holiday answers
	msg.Subject(m.Subject)
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	return msg, nil
}
