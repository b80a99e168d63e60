package workflows_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/daybook-engine/daybook/domain/message"
	"github.com/daybook-engine/daybook/eventstore"
	"github.com/daybook-engine/daybook/eventstore/memory"
	"github.com/daybook-engine/daybook/eventstore/storetest"
	"github.com/daybook-engine/daybook/projections"
	"github.com/daybook-engine/daybook/workflows"
	post "github.com/daybook-engine/daybook/workflows/mail"
)

// A post office is a mail server on loopback that does as it is told.
type postOffice struct {
	net.Listener
	mu     sync.Mutex
	mails  []string // taken, whole
	tried  int      // texts that were sent, answered or not
	hello  string   // how it greets; "": it hangs up instead
	rcpt   string   // what it answers to a recipient
	text   string   // and to a text; "": it hangs up instead
	auth   string   // and to who says who they are; "": it doesn't ask
	during func()   // what happens between a text and its answer
}

func newPostOffice(t testing.TB) *postOffice {
	p := &postOffice{hello: "220 post.example", rcpt: "250 OK", text: "250 OK"}
	p.listen(t)
	return p
}

// listen opens it, where it was before if it was open already.
func (p *postOffice) listen(t testing.TB) {
	at := "127.0.0.1:0"
	if p.Listener != nil {
		at = p.Addr().String()
	}
	listener, err := net.Listen("tcp", at)
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	p.Listener = listener
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
}

func (p *postOffice) shut() { p.Listener.Close() }

func (p *postOffice) serve(conn net.Conn) {
	defer conn.Close()
	r, answers := textproto.NewReader(bufio.NewReader(conn)), func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	p.mu.Lock()
	hello := p.hello
	p.mu.Unlock()
	if hello == "" {
		return
	}
	answers(hello)
	for {
		line, err := r.ReadLine()
		if err != nil {
			return
		}
		p.mu.Lock()
		rcpt, text, auth, during := p.rcpt, p.text, p.auth, p.during
		p.mu.Unlock()
		switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); verb {
		case "EHLO":
			answers("250-post.example")
			if auth != "" {
				answers("250-AUTH CRAM-MD5")
			}
			answers("250 8BITMIME")
		case "AUTH":
			answers(auth)
		case "RCPT":
			answers(rcpt)
		case "DATA":
			answers("354 go on")
			mail, err := r.ReadDotBytes()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.tried++
			if text != "" && text[0] == '2' {
				p.mails = append(p.mails, string(mail))
			}
			p.mu.Unlock()
			if during != nil {
				during()
			}
			if text == "" {
				return
			}
			answers(text)
		case "QUIT":
			answers("221 bye")
			return
		default:
			answers("250 OK")
		}
	}
}

func (p *postOffice) is(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// taken are the mails, parsed.
func (p *postOffice) taken(t testing.TB) (list []*mail.Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.mails {
		parsed, err := mail.ReadMessage(strings.NewReader(m))
		require.NoError(t, err)
		list = append(list, parsed)
	}
	return list
}

func (p *postOffice) url() string { return "smtp://" + p.Addr().String() + "?from=office@nemo.example" }

// outgoing is the outbox of an office's views.
type outgoing struct{ *projections.Views }

func (o outgoing) Waiting(ctx context.Context, now time.Time) ([]post.Entry, error) {
	if err := o.CatchUp(ctx); err != nil {
		return nil, err
	}
	list, err := o.Views.Waiting(ctx, now)
	return entries(list), err
}

func (o outgoing) Claimed(ctx context.Context) ([]post.Entry, error) {
	if err := o.CatchUp(ctx); err != nil {
		return nil, err
	}
	list, err := o.Views.Claimed(ctx)
	return entries(list), err
}

func entries(messages []projections.Message) (list []post.Entry) {
	for _, m := range messages {
		list = append(list, post.Entry{ID: m.Message, Claim: m.Claim})
	}
	return list
}

// worker is one as it starts.
func (o *office) worker(url string) *post.Worker {
	o.t.Helper()
	transport, err := post.Parse(url)
	require.NoError(o.t, err)
	w := &post.Worker{Engine: o.Engine, Outbox: outgoing{o.views()}, Reveal: o.reveal, Transport: transport, Log: slog.New(slog.DiscardHandler)}
	require.NoError(o.t, w.Recover(o.t.Context()))
	return w
}

func (o *office) pass(w *post.Worker) {
	o.t.Helper()
	require.NoError(o.t, w.Pass(o.t.Context()))
}

// declined is an office in which so many were declined, and are to be told.
func declined(t testing.TB, store eventstore.Store, handles ...string) *office {
	o := newOffice(t, store, newVault())
	o.prepare(2)
	o.decline(handles...)
	return o
}

func (o *office) decline(handles ...string) {
	o.t.Helper()
	o.shortlisted(handles...)
	for _, a := range handles {
		o.must("coordinator/c1", "email.set", fields{"person": a, "email": a + "@example.org"})
		o.must("coordinator/c1", "application.decline", with(call, "person", a, "rationale", "why"))
	}
	o.settle()
}

func TestWhatIsQueuedIsSentOnceAndInOrder(t *testing.T) {
	t.Parallel()
	o, p := declined(t, memory.New(), "a2", "a1", "a3"), newPostOffice(t)
	w := o.worker(p.url())
	o.pass(w)
	require.Equal(t, []string{"not-selected a2 sent", "not-selected a1 sent", "not-selected a3 sent"}, o.outbox())
	taken := p.taken(t)
	require.Len(t, taken, 3)
	for i, a := range []string{"a2", "a1", "a3"} {
		m, h := o.messages()[i], taken[i].Header
		require.Equal(t, fmt.Sprintf(`"Name of %s" <%s@example.org>`, a, a), h.Get("To"))
		require.Equal(t, "<office@nemo.example>", h.Get("From"))
		require.Equal(t, "Your application to NEMO One to One Mentoring", h.Get("Subject"))
		require.Equal(t, "<"+m.Message+"@nemo.example>", h.Get("Message-ID"))
		require.Equal(t, "auto-generated", h.Get("Auto-Submitted"))
		require.Equal(t, "Mon, 08 Jan 2024 08:00:00 +0000", h.Get("Date"))
		body, err := io.ReadAll(taken[i].Body)
		require.NoError(t, err)
		require.Contains(t, string(body), "Content-Type: text/plain")
		require.Contains(t, string(body), "<p>Dear Name of "+a+",</p>")
		require.Equal(t, []string{"message.queued", "message.claimed", "message.sent"}, o.recorded("message-"+m.Message))
		sealed, _ := o.vault.Text(m.Rendered.Digest)
		require.Equal(t, o.letter(m), sealed, "what was sent is in the vault")
	}
	for _, r := range log(t, o.store) {
		require.NotContains(t, string(r.Data)+string(r.Metadata), "@example.org")
		require.NotContains(t, string(r.Data)+string(r.Metadata), "Dear Name")
	}
	before := lines(t, o.store)
	o.pass(w)
	o.pass(o.worker(p.url()))
	require.Equal(t, before, lines(t, o.store))
	require.Equal(t, 3, p.tried)
	require.Nil(t, o.replay().Divergence)
	storetest.CheckLog(t, o.store)
}

func TestNothingThatPeopleTypedIsMarkupOrAHeader(t *testing.T) {
	t.Parallel()
	o, p := open(t), newPostOffice(t)
	o.must("coordinator/c1", "person.register", fields{"handle": "eve", "register": "register", "name": "Eve <b>\r\nBcc: all@example.org {programme}", "email": "eve@example.org"})
	o.decline("eve")
	o.pass(o.worker(p.url()))
	m := p.taken(t)[0]
	require.Empty(t, m.Header.Get("Bcc"))
	body, err := io.ReadAll(m.Body)
	require.NoError(t, err)
	require.Contains(t, string(body), "Dear Eve <b>  Bcc: all@example.org {programme},")
	require.Contains(t, string(body), "<p>Dear Eve &lt;b&gt;  Bcc: all@example.org {programme},</p>")
}

// A server that took the text and hung up may have sent it.
func TestAnUnclearAnswerIsPutToAPerson(t *testing.T) {
	t.Parallel()
	o, p := declined(t, memory.New(), "a1"), newPostOffice(t)
	p.is(func() { p.text = "" })
	w := o.worker(p.url())
	for range 3 {
		o.pass(w)
		o.clock.Set(o.Now().Add(24 * time.Hour))
		w = o.worker(p.url())
	}
	require.Equal(t, 1, p.tried, "never a second mail")
	require.Equal(t, []string{"not-selected a1 unknown"}, o.outbox())
	id := fields{"message": o.messages()[0].Message}
	require.Equal(t, []string{"message.settle"}, o.todo("message"))

	_, err := o.try("coordinator/c1", "message.settle", with(id, "as", "arrived"), because(""))
	require.Error(t, err, "for a reason")
	_, err = o.try("coordinator/c1", "message.settle", with(id, "as", "perhaps"))
	require.ErrorIs(t, err, message.ErrSettled)
	p.is(func() { p.text = "250 OK" })
	o.must("coordinator/c1", "message.settle", with(id, "as", "again"), because("not_there"))
	o.pass(w)
	require.Equal(t, []string{"not-selected a1 sent"}, o.outbox())
	require.Equal(t, 2, p.tried, "because a person asked for it")
	require.Equal(t, "<"+id["message"].(string)+"@nemo.example>", p.taken(t)[0].Header.Get("Message-ID"), "the same message")
	require.Empty(t, o.todo("message"))
}

// A cycle ends, and what is not known of its mail still matters.
func TestAnUnclearAnswerOutlastsTheCycle(t *testing.T) {
	t.Parallel()
	o, p := declined(t, memory.New(), "a1"), newPostOffice(t)
	p.is(func() { p.text = "" })
	o.pass(o.worker(p.url()))
	o.woundUp()
	o.must("coordinator/c1", "cycle.close", fields{"cycle": "spring"})
	o.settle()
	require.Equal(t, []string{"message.settle"}, o.todo("message"))
	o.must("coordinator/c1", "message.settle", fields{"message": o.messages()[0].Message, "as": "arrived"}, because("asked"))
	require.Empty(t, o.todo("message"))
}

// todo are the commands that settle what people have to do, of one kind.
func (o *office) todo(kind string) (commands []string) {
	o.t.Helper()
	v := o.views()
	require.NoError(o.t, v.CatchUp(o.t.Context()))
	tasks, err := v.Queue(o.t.Context(), "spring", o.Now())
	require.NoError(o.t, err)
	for _, task := range tasks {
		if task.Kind == kind {
			commands = append(commands, task.Command)
		}
	}
	return commands
}

func TestAServerThatIsAwayIsAskedAgainLater(t *testing.T) {
	t.Parallel()
	o, p := declined(t, memory.New(), "a1"), newPostOffice(t)
	p.is(func() { p.rcpt = "450 not now" })
	w := o.worker(p.url())
	for range 60 {
		o.pass(w)
		o.clock.Set(o.Now().Add(time.Minute))
	}
	stream := o.recorded("message-" + o.messages()[0].Message)
	require.Equal(t, 4, count(stream, "message.claimed"), "at once, and 1, 6 and 21 minutes later")
	require.Equal(t, []string{"not-selected a1 queued unreachable"}, o.outbox())
	require.Empty(t, o.todo("message"), "nobody has to do anything yet")
	p.is(func() { p.rcpt = "250 OK" })
	for range 60 {
		o.pass(w)
		o.clock.Set(o.Now().Add(time.Minute))
	}
	require.Equal(t, []string{"not-selected a1 sent"}, o.outbox())
	require.Equal(t, 1, p.tried)
	require.Len(t, p.taken(t), 1)
}

// A server that is away is no message's fault: they wait for as long as it takes,
// and it is said once.
func TestAServerThatIsAwayCostsNoTries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		away func(*postOffice)
		back func(*postOffice)
		told string
	}{
		"nobody listens":      {func(p *postOffice) { p.shut() }, func(p *postOffice) { p.listen(t) }, "refused"},
		"it greets nobody":    {func(p *postOffice) { p.hello = "421 come back later" }, func(p *postOffice) { p.hello = "220 post.example" }, "answered 421"},
		"it hangs up at once": {func(p *postOffice) { p.hello = "" }, func(p *postOffice) { p.hello = "220 post.example" }, "do not agree"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, p := declined(t, memory.New(), "a1", "a2"), newPostOffice(t)
			p.is(func() { c.away(p) })
			var told strings.Builder
			w := o.worker(p.url())
			w.Log = slog.New(slog.NewTextHandler(&told, nil))
			for hours := range 9 * 24 {
				o.pass(w)
				require.Equal(t, hours >= 24, len(o.todo("message")) > 0, "after a day somebody is asked to see to it")
				o.clock.Set(o.Now().Add(time.Hour))
			}
			require.Equal(t, []string{"not-selected a1 queued away", "not-selected a2 queued away"}, o.outbox())
			for _, m := range o.messages() {
				require.Equal(t, []string{"message.queued", "message.delayed"}, o.recorded("message-"+m.Message))
			}
			require.Equal(t, []string{"message.withdraw"}, o.todo("message"), "the oldest in the name of all")
			require.Equal(t, 1, strings.Count(told.String(), "\n"), "told once")
			require.Contains(t, told.String(), c.told)

			p.is(func() { c.back(p) })
			o.pass(w)
			o.pass(w)
			require.Equal(t, []string{"not-selected a1 sent", "not-selected a2 sent"}, o.outbox())
			require.Equal(t, 2, p.tried)
			require.Contains(t, told.String(), "there is somebody again")
			require.Empty(t, o.todo("message"))
			storetest.CheckLog(t, o.store)
		})
	}
}

// It is asked again after ever longer pauses, and not before.
func TestAServerThatIsAwayIsAskedAfterPauses(t *testing.T) {
	t.Parallel()
	o := declined(t, memory.New(), "a1", "a2")
	door := &closed{}
	w := o.worker("file:" + t.TempDir())
	w.Transport = door
	for range 20 * 60 {
		o.pass(w)
		o.clock.Set(o.Now().Add(time.Second))
	}
	require.Equal(t, 9, door.tried, "at once, after 5, 15, 35, 75, 155 and 315 seconds, and then every five minutes")
	require.Equal(t, 2, count(names(t, o.store), "message.delayed"))

	// Who is stopped while they knock has heard nothing of the server.
	o.decline("a3")
	o.clock.Set(o.Now().Add(time.Hour))
	ctx, stop := context.WithCancel(t.Context())
	door.during = stop
	require.ErrorIs(t, w.Run(ctx), context.Canceled)
	require.Equal(t, 2, count(names(t, o.store), "message.delayed"))
}

// closed is a door at which nobody answers.
type closed struct {
	tried  int
	during func()
}

func (c *closed) Open(ctx context.Context) (post.Connection, error) {
	c.tried++
	if c.during != nil {
		c.during()
	}
	return nil, errors.New("nobody answers")
}

func TestWhatIsNeverTakenIsPutToAPerson(t *testing.T) {
	t.Parallel()
	o, p := declined(t, memory.New(), "a1"), newPostOffice(t)
	p.is(func() { p.rcpt = "450 not now" })
	w := o.worker(p.url())
	for range 48 {
		o.pass(w)
		o.clock.Set(o.Now().Add(time.Hour))
	}
	require.Equal(t, []string{"not-selected a1 failed unreachable"}, o.outbox())
	require.Equal(t, 8, count(o.recorded("message-"+o.messages()[0].Message), "message.claimed"))
	require.Equal(t, []string{"message.settle"}, o.todo("message"))
}

func TestWhatIsRefusedIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]func(*postOffice){
		"the recipient": func(p *postOffice) { p.rcpt = "550 nobody here" },
		"the text":      func(p *postOffice) { p.text = "554 not this" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, p := declined(t, memory.New(), "a1", "a2"), newPostOffice(t)
			p.is(func() { refuse(p) })
			w := o.worker(p.url())
			o.pass(w)
			o.clock.Set(o.Now().Add(48 * time.Hour))
			o.pass(w)
			require.Equal(t, []string{"not-selected a1 failed refused", "not-selected a2 failed refused"}, o.outbox())
			require.Equal(t, 1, count(o.recorded("message-"+o.messages()[0].Message), "message.claimed"))
		})
	}
}

// crash is a transport on which the process ends, before it sends or after.
type crash struct {
	post.Transport
	after bool
}

func (c crash) Open(ctx context.Context) (post.Connection, error) {
	to, err := c.Transport.Open(ctx)
	return crashing{to, c.after}, err
}

type crashing struct {
	post.Connection
	after bool
}

func (c crashing) Send(m post.Mail) error {
	if c.after {
		if err := c.Connection.Send(m); err != nil {
			return err
		}
	}
	panic("the process ends")
}

func TestACrashIsNeverASecondMail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after bool
		sent  int
	}{"between claim and send": {false, 0}, "between send and record": {true, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, p := declined(t, memory.New(), "a1", "a2"), newPostOffice(t)
			w := o.worker(p.url())
			w.Transport = crash{w.Transport, c.after}
			require.Panics(t, func() { _ = w.Pass(t.Context()) })

			again := o.begun(o.store)
			again.pass(again.worker(p.url()))
			again.pass(again.worker(p.url()))
			require.Equal(t, []string{"not-selected a1 unknown", "not-selected a2 sent"}, again.outbox())
			require.Equal(t, c.sent+1, p.tried)
		})
	}
}

// A cut line is a store that does not answer about events of one name, which
// it may have kept.
type cutLine struct {
	eventstore.Store
	name string
	kept bool
}

func (c cutLine) Append(ctx context.Context, stream string, expected eventstore.Expected, events ...eventstore.Event) (eventstore.Result, error) {
	if events[0].Name != c.name {
		return c.Store.Append(ctx, stream, expected, events...)
	}
	if c.kept {
		if _, err := c.Store.Append(ctx, stream, expected, events...); err != nil {
			return eventstore.Result{}, err
		}
	}
	return eventstore.Result{}, errors.New("no answer")
}

// begun is the office as another process finds it.
func (o *office) begun(store eventstore.Store) *office {
	n := newOffice(o.t, store, o.vault)
	n.clock.Set(o.clock.Now())
	return n
}

func TestALogThatDoesNotAnswerIsNeverASecondMail(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event string
		kept  bool
		tried int
		stays string
	}{
		"a claim that was not kept":   {"message.claimed", false, 1, "sent"},
		"a claim that was":            {"message.claimed", true, 0, "unknown"},
		"an outcome that was not":     {"message.sent", false, 1, "unknown"},
		"an outcome that was kept":    {"message.sent", true, 1, "sent"},
		"an unclear one that was not": {"message.unknown", false, 1, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			o, p := declined(t, store, "a1"), newPostOffice(t)
			if c.event == "message.unknown" {
				p.is(func() { p.text = "" })
			}
			cut := o.begun(cutLine{store, c.event, c.kept})
			require.Error(t, cut.worker(p.url()).Pass(t.Context()))

			again := o.begun(store)
			again.pass(again.worker(p.url()))
			again.pass(again.worker(p.url()))
			require.Equal(t, []string{"not-selected a1 " + c.stays}, again.outbox())
			require.Equal(t, c.tried, p.tried)
			storetest.CheckLog(t, store)
		})
	}
}

func TestTwoWorkersSendOneMail(t *testing.T) {
	t.Parallel()
	store := memory.New()
	handles := []string{"a1", "a2", "a3", "a4", "a5", "a6"}
	o, p := declined(t, store, handles...), newPostOffice(t)
	other := o.begun(store)
	var both sync.WaitGroup
	for _, w := range []*post.Worker{o.worker(p.url()), other.worker(p.url())} {
		both.Go(func() { require.NoError(t, w.Pass(t.Context())) })
	}
	both.Wait()
	require.Equal(t, len(handles), p.tried)
	for i, line := range o.outbox() {
		require.Equal(t, "not-selected "+handles[i]+" sent", line)
	}
	storetest.CheckLog(t, store)
}

// A worker that starts beside another takes what that is sending for unknown,
// until it is said to be sent.
func TestWhatWasSentIsSentWhateverWasThought(t *testing.T) {
	t.Parallel()
	store := memory.New()
	o, p := declined(t, store, "a1"), newPostOffice(t)
	p.is(func() {
		p.during = func() {
			other := o.begun(store)
			other.pass(other.worker(p.url()))
		}
	})
	o.pass(o.worker(p.url()))
	require.Equal(t, []string{"message.queued", "message.claimed", "message.unknown", "message.sent"}, o.recorded("message-"+o.messages()[0].Message))
	require.Equal(t, 1, p.tried)
}

// Who stops Daybook while a mail is under way waits for its outcome.
func TestAStopIsNotACrash(t *testing.T) {
	t.Parallel()
	o, p := declined(t, memory.New(), "a1", "a2"), newPostOffice(t)
	ctx, stop := context.WithCancel(t.Context())
	p.is(func() { p.during = stop })
	w := o.worker(p.url())
	require.ErrorIs(t, w.Run(ctx), context.Canceled)
	require.Equal(t, []string{"not-selected a1 sent", "not-selected a2 queued"}, o.outbox())
}

func TestWhatIsUndoneBeforeItIsSentIsNotSent(t *testing.T) {
	t.Parallel()
	o, p := open(t), newPostOffice(t)
	for _, who := range []string{"a1", "m1"} {
		o.must("coordinator/c1", "email.set", fields{"person": who, "email": who + "@example.org"})
	}
	o.accepted("a1", "m1", "first")
	o.must("coordinator/c1", "match.unwind", fields{"cycle": "spring", "match": "first"})
	o.settle()
	o.pass(o.worker(p.url()))
	require.Equal(t, []string{"offer a1 withdrawn offer_accepted", "match-mentee a1 withdrawn match_unwound", "match-mentor m1 withdrawn match_unwound"}, o.outbox())
	require.Zero(t, p.tried)
}

func TestWhoWasErasedIsNotWrittenNorWrittenOf(t *testing.T) {
	t.Parallel()
	o, p := open(t), newPostOffice(t)
	for _, who := range []string{"a1", "m1"} {
		o.must("coordinator/c1", "email.set", fields{"person": who, "email": who + "@example.org"})
	}
	o.accepted("a1", "m1", "first")
	o.must("coordinator/c1", "erasure.start", fields{"person": "a1", "approver": "r1"}) // and no policy was there yet
	o.pass(o.worker(p.url()))
	require.Equal(t, []string{"offer a1 withdrawn offer_accepted", "match-mentee a1 withdrawn erased", "match-mentor m1 withdrawn erased"}, o.outbox())
	require.Zero(t, p.tried)
}

func TestWithoutAnAddressAPersonIsAsked(t *testing.T) {
	t.Parallel()
	o, p := open(t), newPostOffice(t)
	o.shortlisted("a1")
	o.must("coordinator/c1", "application.decline", with(call, "person", "a1", "rationale", "why"))
	o.settle()
	w := o.worker(p.url())
	o.pass(w)
	o.pass(w)
	require.Equal(t, []string{"not-selected a1 failed no_address"}, o.outbox())
	m := o.messages()[0]
	require.Equal(t, []string{"message.queued", "message.failed"}, o.recorded("message-"+m.Message), "it was never claimed")
	o.must("coordinator/c1", "message.settle", fields{"message": m.Message, "as": "again"}, because("address_known"))
	o.pass(w)
	require.Equal(t, []string{"not-selected a1 failed no_address"}, o.outbox(), "it was not")
	o.must("coordinator/c1", "email.set", fields{"person": "a1", "email": "a1@example.org"})
	o.must("coordinator/c1", "message.settle", fields{"message": m.Message, "as": "again"}, because("address_known"))
	o.pass(w)
	require.Equal(t, []string{"not-selected a1 sent"}, o.outbox())
}

// One letter that cannot be written is put to a person, and no other waits for it.
func TestWhatCannotBeReadIsPutToAPerson(t *testing.T) {
	t.Parallel()
	o, p := declined(t, memory.New(), "a1", "a2"), newPostOffice(t)
	w := o.worker(p.url())
	w.Reveal = func(ctx context.Context, digest string) (string, error) {
		text, err := o.reveal(ctx, digest)
		if text == "a1@example.org" {
			return "", post.ErrUnreadable
		}
		return text, err
	}
	o.pass(w)
	o.pass(w)
	require.Equal(t, []string{"not-selected a1 failed unwritable", "not-selected a2 sent"}, o.outbox())
	require.Equal(t, []string{"message.settle"}, o.todo("message"))

	w.Reveal = o.reveal
	o.must("coordinator/c1", "message.settle", fields{"message": o.messages()[0].Message, "as": "again"}, because("mended"))
	o.pass(w)
	require.Equal(t, []string{"not-selected a2 sent", "not-selected a1 sent"}, o.outbox())
}

// A vault that does not answer now is no reason to give a message up.
func TestAVaultThatIsAwayIsAskedAgain(t *testing.T) {
	t.Parallel()
	o, p := declined(t, memory.New(), "a1"), newPostOffice(t)
	w := o.worker(p.url())
	w.Reveal = func(context.Context, string) (string, error) { return "", io.ErrUnexpectedEOF }
	require.ErrorIs(t, w.Pass(t.Context()), io.ErrUnexpectedEOF)
	require.Equal(t, []string{"not-selected a1 queued"}, o.outbox())
	w.Reveal = o.reveal
	o.pass(w)
	require.Equal(t, []string{"not-selected a1 sent"}, o.outbox())
}

func TestLastMonthsNewsIsNotSent(t *testing.T) {
	t.Parallel()
	o, p := declined(t, memory.New(), "a1"), newPostOffice(t)
	o.clock.Set(o.Now().AddDate(0, 0, 15))
	w := o.worker(p.url())
	o.pass(w)
	o.pass(w)
	require.Equal(t, []string{"not-selected a1 failed too_old"}, o.outbox())
	require.Zero(t, p.tried)
}

// However it is asked, nothing that was rehearsed is sent.
func TestWhatWasRehearsedIsNotSent(t *testing.T) {
	t.Parallel()
	o, p := declined(t, memory.New(), "a1"), newPostOffice(t)
	w := o.worker(p.url())
	config := o.Config
	config.Rehearsal = true
	var err error
	w.Engine, err = workflows.New(t.Context(), config)
	require.NoError(t, err)
	require.ErrorIs(t, w.Pass(t.Context()), post.ErrRehearsed)
	require.Zero(t, p.tried)
	require.Equal(t, []string{"not-selected a1 queued"}, o.outbox())
}

func TestMailIsWrittenToFiles(t *testing.T) {
	t.Parallel()
	o, dir := declined(t, memory.New(), "a1"), filepath.Join(t.TempDir(), "out box")
	require.NoError(t, os.Mkdir(dir, 0o700))
	o.pass(o.worker("file:" + strings.ReplaceAll(dir, " ", "%20") + "?from=Office%20<office@nemo.example>"))
	name := filepath.Join(dir, o.messages()[0].Message+"-1.eml")
	written, err := os.ReadFile(name)
	require.NoError(t, err)
	m, err := mail.ReadMessage(strings.NewReader(string(written)))
	require.NoError(t, err)
	require.Equal(t, `"Office" <office@nemo.example>`, m.Header.Get("From"))
	require.Equal(t, []string{"not-selected a1 sent"}, o.outbox())

	// Where there is no directory, it was surely not written.
	o.decline("a2")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	o.pass(o.worker("file:" + strings.ReplaceAll(dir, " ", "%20") + "/file/inside"))
	require.Equal(t, "not-selected a2 queued away", o.outbox()[1])
}

func TestAURLOfNoTransportIsRefusedWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "smtp:", "smtp://", "smtp://u:geheim@host:port?from=a@b.example", "smtp://u:geheim@host:99999?from=a@b.example", "smtp://u:geheim@host", "http://u:geheim@host?from=a@b.example",
		"smtp://u:geheim@host:25?from=geheim", "smtp://u:ge%zzheim@host", "smtp://u:geheim@host/path?from=a@b.example", "smtp://u:geheim@host?form=a@b.example", "file:", "file://host/x", "file:/x?from=geheim",
		"smtp://u:geheim@host:25?from=a@b.example&password=geheim", "smtp://u:ge heim@host?from=a@b.example", "u:geheim@host",
	} {
		_, err := post.Parse(url)
		require.ErrorIs(t, err, post.ErrURL, url)
		require.NotContains(t, err.Error(), "geheim", url)
		require.NotContains(t, err.Error(), "heim@", url)
	}
	for _, url := range []string{"smtp://office@nemo.example:geheim@mail.example:587", "smtps://u:geheim@mail.example?from=a@b.example", "smtp://localhost?from=a@b.example", "file:/var/mail", "file:out", "file:///var/mail"} {
		_, err := post.Parse(url)
		if url == "smtp://office@nemo.example:geheim@mail.example:587" {
			url = strings.Replace(url, "office@", "office%40", 1)
			_, err = post.Parse(url)
		}
		require.NoError(t, err, url)
	}
}

// A server may say anything, the password among it.
func TestNoPasswordIsTold(t *testing.T) {
	t.Parallel()
	o, p := declined(t, memory.New(), "a1"), newPostOffice(t)
	p.is(func() { p.auth = "535 not with geheim" })
	var told strings.Builder
	w := o.worker(strings.Replace(p.url(), "smtp://", "smtp://office:geheim@", 1))
	w.Log = slog.New(slog.NewTextHandler(&told, nil))
	o.pass(w)
	require.Contains(t, told.String(), "nobody takes mail from us")
	require.Contains(t, told.String(), "the server answered 535")
	require.NotContains(t, told.String(), "geheim")
	require.Equal(t, []string{"not-selected a1 queued away"}, o.outbox())
	require.False(t, slices.Contains(names(t, o.store), "message.unknown"))
}

// What is undone while it is being sent may have left the house. If it has not, it
// stays there.
func TestWhatIsUndoneWhileItIsSentIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	o, p := open(t), newPostOffice(t)
	o.must("coordinator/c1", "email.set", fields{"person": "a1", "email": "a1@example.org"})
	o.offered()
	p.is(func() {
		p.text = "451 later"
		p.during = func() {
			p.is(func() { p.during = nil })
			o.must("applicant/a1", "offer.decline", call)
			o.settle()
			require.Equal(o.t, []string{"offer a1 being sent offer_declined"}, o.outbox())
		}
	})
	w := o.worker(p.url())
	o.pass(w)
	require.Equal(t, []string{"offer a1 withdrawn offer_declined"}, o.outbox())
	p.is(func() { p.text = "250 OK" })
	o.clock.Set(o.Now().Add(time.Hour))
	o.pass(w)
	require.Empty(t, p.taken(t))
	require.Equal(t, 1, p.tried)
	storetest.CheckLog(t, o.store)
}

// A node that starts takes what another is sending for unclear, and a person may ask
// for another attempt before it says that it was sent: then there is none.
func TestWhatWasSentAfterAllIsNotSentAgain(t *testing.T) {
	t.Parallel()
	o, p := declined(t, memory.New(), "a1"), newPostOffice(t)
	p.is(func() {
		p.during = func() {
			p.is(func() { p.during = nil })
			other := o.begun(o.store)
			other.worker(p.url())
			other.must("coordinator/c1", "message.settle", fields{"message": o.messages()[0].Message, "as": message.Again}, because("no_answer"))
		}
	})
	w := o.worker(p.url())
	o.pass(w)
	require.Equal(t, []string{"message.queued", "message.claimed", "message.unknown", "message.queued", "message.sent"}, o.recorded("message-"+o.messages()[0].Message))
	o.pass(w)
	require.Equal(t, 1, p.tried)
	storetest.CheckLog(t, o.store)
}

// Nor is to whom it goes: the log of the process is kept, and read, elsewhere.
func TestNoAddressIsLogged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trouble func(*postOffice)
		told    string
	}{
		"a refused recipient":   {func(p *postOffice) { p.rcpt = "550 no a1@example.org here" }, "the server answered 550"},
		"a recipient put off":   {func(p *postOffice) { p.rcpt = "450 a1@example.org is full" }, "the server answered 450"},
		"a refused text":        {func(p *postOffice) { p.text = "554 not this, a1@example.org" }, "the server answered 554"},
		"a text without answer": {func(p *postOffice) { p.text = "" }, "it is not known whether"},
		"nobody there":          {func(p *postOffice) { p.shut() }, "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, p := declined(t, memory.New(), "a1"), newPostOffice(t)
			p.is(func() { c.trouble(p) })
			var told strings.Builder
			w := o.worker(p.url())
			w.Log = slog.New(slog.NewTextHandler(&told, nil))
			o.pass(w)
			require.Contains(t, told.String(), c.told)
			require.NotContains(t, told.String(), "example.org")
		})
	}
}
