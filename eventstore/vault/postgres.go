package vault

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/daybook-engine/daybook/eventstore/durable"
)

const (
	// connecting and answering are how long the server may take to let a
	// session begin, and over a statement, before it counts as away.
	connecting = 10 * time.Second
	answering  = 30 * time.Second
)

var (
	// ErrStopped is the answer to all that needs the session that was lost. It
	// held the lock, and whoever got that since may have written.
	ErrStopped = errors.New("the session in the vault's database is lost, and nothing goes through it until the vault is opened again")
	// ErrDatabase is the answer to a connection string that is none.
	ErrDatabase = errors.New("the vault's database is to be named")
	// ErrUnavailable is the answer to who reads while the server is away.
	ErrUnavailable = errors.New("the vault's database does not answer")
)

// A schema is one of the vault's two in PostgreSQL. Its one session that writes
// holds the lock that keeps others from writing: without the lock there is
// nothing left to write through. The name's owner is known by a row, as a file
// is by SQLite's application_id; the lock's number is the file's id.
type schema struct {
	id     int64
	base   string
	tables string
	swept  string // tables from which rows are deleted, or where keys are rewrapped

	there   bool
	conn    *pgx.Conn
	readers *pgxpool.Pool // nil where conn reads
	tries   int           // to forget
}

// As in SQLite, but that n is given by a sequence, and that ANALYZE is told to
// copy nothing out of columns from which things are deleted for ever.
func textsSchema() *schema {
	return &schema{id: textsMark, base: "daybook_vault", swept: "secret, handle", tables: `
		CREATE TABLE secret (
			n          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
			digest     text NOT NULL UNIQUE,
			subject    text NOT NULL,
			rev        bigint NOT NULL,
			second     text,
			second_rev bigint,
			kind       text NOT NULL,
			readers    text NOT NULL,
			sealed     bytea NOT NULL
		);
		ALTER TABLE secret ALTER subject SET STATISTICS 0, ALTER second SET STATISTICS 0, ALTER sealed SET STATISTICS 0;
		CREATE INDEX secret_subject ON secret (subject);
		CREATE INDEX secret_second ON secret (second) WHERE second IS NOT NULL;
		CREATE TABLE handle (
			tag    bytea NOT NULL UNIQUE,
			person bytea NOT NULL,
			sealed bytea NOT NULL
		);
		ALTER TABLE handle ALTER tag SET STATISTICS 0, ALTER person SET STATISTICS 0, ALTER sealed SET STATISTICS 0;
		CREATE INDEX handle_person ON handle (person);
		CREATE TABLE erased (
			digest text PRIMARY KEY,
			tag    bytea NOT NULL
		);
		CREATE INDEX erased_tag ON erased (tag);
		CREATE FUNCTION stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a % is never changed', TG_TABLE_NAME; END $$;
		CREATE TRIGGER secret_stays BEFORE UPDATE ON secret EXECUTE FUNCTION stays();
		CREATE TRIGGER handle_stays BEFORE UPDATE ON handle EXECUTE FUNCTION stays();`}
}

func keysSchema() *schema {
	return &schema{id: keysMark, base: "daybook_keys", swept: "dek, meta", tables: `
		CREATE TABLE dek (
			subject text NOT NULL,
			rev     bigint NOT NULL,
			wrapped bytea NOT NULL,
			PRIMARY KEY (subject, rev)
		);
		ALTER TABLE dek ALTER subject SET STATISTICS 0, ALTER wrapped SET STATISTICS 0;
		ALTER TABLE meta ALTER value SET STATISTICS 0;
		CREATE TABLE fence (tag bytea PRIMARY KEY, salt bytea NOT NULL);`}
}

// configured reads a connection string. What it says of the session that would
// weaken the vault is overruled; nothing of it is told, it may hold a password.
func configured(database string) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(database)
	if file := new(fs.PathError); errors.As(err, &file) {
		return nil, fmt.Errorf("%w with files of certificates that can be read: %w", ErrDatabase, file)
	}
	if err != nil || !strings.HasPrefix(database, "postgres://") && !strings.HasPrefix(database, "postgresql://") {
		return nil, fmt.Errorf("%w as in postgres://USER@HOST:5432/DATABASE", ErrDatabase)
	}
	for _, other := range c.ConnConfig.Fallbacks {
		if other.Host != c.ConnConfig.Host || other.Port != c.ConnConfig.Port {
			return nil, fmt.Errorf("%w with one host: two sessions must not reach two servers", ErrDatabase)
		}
	}
	if strings.Contains(c.ConnConfig.Database, "@") { // and what is taken for the host is a part of the password
		return nil, fmt.Errorf("%w as in postgres://USER@HOST:5432/DATABASE; in a password @ is written %%40, and / %%2F", ErrDatabase)
	}
	c.MaxConns = int32(readers())
	c.ConnConfig.ConnectTimeout = min(connecting, cmp.Or(c.ConnConfig.ConnectTimeout, connecting))
	for name, value := range map[string]string{
		"application_name":   "daybook",
		"client_encoding":    "UTF8",
		"synchronous_commit": "on", // what is acknowledged is on the disk
		"statement_timeout":  "0",
		"lock_timeout":       "5s",
		// The lock is held for as long as this process is there and no longer.
		"idle_session_timeout":    "0",
		"tcp_keepalives_idle":     "10",
		"tcp_keepalives_interval": "5",
		"tcp_keepalives_count":    "3",
	} {
		c.ConnConfig.RuntimeParams[name] = value
	}
	return c, nil
}

// place says where a database is.
func place(database string) string {
	c, err := configured(database)
	if err != nil {
		return "PostgreSQL"
	}
	return fmt.Sprintf("postgres://%s:%d/%s", c.ConnConfig.Host, c.ConnConfig.Port, c.ConnConfig.Database)
}

func openPostgres(o Options) (_, _ database, err error) {
	texts, keys := textsSchema(), keysSchema()
	if err := texts.open(o); err != nil {
		return nil, nil, err
	}
	if err := keys.open(o); err != nil {
		return nil, nil, errors.Join(err, texts.close())
	}
	c, err := texts.configured(o.Database, true)
	if err == nil {
		texts.readers, err = pgxpool.NewWithConfig(context.Background(), c)
	}
	if err != nil {
		return nil, nil, errors.Join(err, texts.close(), keys.close())
	}
	return texts, keys, nil
}

func (s *schema) configured(database string, readOnly bool) (*pgxpool.Config, error) {
	c, err := configured(database)
	if err != nil {
		return nil, err
	}
	c.ConnConfig.RuntimeParams["search_path"] = s.base
	if readOnly {
		c.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	}
	return c, nil
}

// open opens a schema of this kind or an empty one; a foreign one is left as it
// was found.
func (s *schema) open(o Options) (err error) {
	c, err := s.configured(o.Database, o.ReadOnly)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), connecting)
	defer cancel()
	defer func() {
		if err != nil {
			if s.conn != nil {
				_ = s.close()
			}
			err = fmt.Errorf("open the vault in %s: %w", place(o.Database), err)
		}
	}()
	s.tries = 100
	if s.conn, err = pgx.ConnectConfig(ctx, c.ConnConfig); err != nil {
		return unreachable(err)
	}
	if !o.ReadOnly {
		if err := s.hold(ctx); err != nil {
			return err
		}
	}
	return s.look(ctx)
}

// hold takes the lock, which ends with the session. One that has just ended may
// have it a moment longer.
func (s *schema) hold(ctx context.Context) error {
	_, err := s.conn.Exec(ctx, "SELECT pg_advisory_lock($1)", s.id)
	if code(err) == lockTimeout {
		return locked("another daybook process has it open")
	}
	if err != nil {
		return err
	}
	for setting, without := range map[string]string{
		"fsync":        "would lose what it has acknowledged",
		"track_counts": "cannot tell whether an erasure is done",
	} {
		var is string
		if err := s.conn.QueryRow(ctx, "SHOW "+setting).Scan(&is); err != nil {
			return err
		}
		if is == "off" {
			return fmt.Errorf("the server runs with %s off, and %s: turn it on", setting, without)
		}
	}
	return nil
}

// A locked is durable.ErrLocked in words of its own: no directory is open.
type locked string

func (l locked) Error() string        { return string(l) }
func (l locked) Is(target error) bool { return target == durable.ErrLocked }

// look finds out what is in the schema.
func (s *schema) look(ctx context.Context) error {
	var relations int64
	err := s.conn.QueryRow(ctx, "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace($1)", s.base).Scan(&relations)
	if err != nil || relations == 0 {
		return err
	}
	var id, v int64
	err = s.conn.QueryRow(ctx, "SELECT id, version FROM daybook").Scan(&id, &v)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || code(err) == noTable || code(err) == noColumn || err == nil && id != s.id:
		return fmt.Errorf("%w: the schema %s is somebody else's", ErrForeign, s.base)
	case err != nil:
		return err
	case v > version:
		return fmt.Errorf("the schema %s was %w", s.base, newer(v))
	}
	s.there = true
	return nil
}

// unreachable says in one line why no session began, and what to look at. The
// driver tells of each address and each way on a line of its own.
func unreachable(err error) error {
	var (
		name        *net.DNSError
		certificate *tls.CertificateVerificationError
		answer      *pgconn.PgError
	)
	switch errors.As(err, &answer); {
	case answer == nil:
	case answer.Code == wrongPassword || answer.Code == notAdmitted:
		return fmt.Errorf("%s: check USER and the password, in ~/.pgpass or PGPASSWORD, and pg_hba.conf on the server", answer.Message)
	case answer.Code == noDatabase:
		return fmt.Errorf("%s: check its name, or make it with createdb", answer.Message)
	default:
		return fmt.Errorf("the server answers: %s (%s)", answer.Message, answer.Code)
	}
	switch text := err.Error(); {
	case errors.As(err, &name):
		return fmt.Errorf("no host has the name %s: check HOST", name.Name)
	case errors.As(err, &certificate):
		return fmt.Errorf("the server's certificate does not prove that it is this host: %w; name the authority that signed it by sslrootcert=FILE", certificate.Err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("no server listens there: check HOST and PORT, and that PostgreSQL runs and listens on that address")
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer in time: check HOST and PORT, and what stands between")
	case strings.Contains(text, "server refused TLS connection") && !strings.Contains(text, "\n"):
		return errors.New("the server takes no encrypted sessions: set ssl = on there; on this machine alone sslmode=disable will do")
	default:
		lines := strings.Split(text, "\n")
		return errors.New(strings.TrimSpace(lines[len(lines)-1]))
	}
}

const (
	wrongPassword = "28P01"
	notAdmitted   = "28000"
	noDatabase    = "3D000"

	lockTimeout = "55P03"
	noTable     = "42P01"
	noColumn    = "42703"
)

// code is the server's for an error.
func code(err error) string {
	if e := new(pgconn.PgError); errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func (s *schema) name() string { return s.base }
func (s *schema) made() bool   { return s.there }

func (s *schema) make(meta map[string][]byte) error {
	err := s.write(func(c tx) error {
		_, err := c.exec(fmt.Sprintf(`
			CREATE SCHEMA IF NOT EXISTS %s;
			CREATE TABLE daybook (id bigint PRIMARY KEY CHECK (id = %d), version bigint NOT NULL);
			INSERT INTO daybook (id, version) VALUES (%[2]d, %d);
			CREATE TABLE meta (key text PRIMARY KEY, value bytea NOT NULL);`, s.base, s.id, version) + s.tables)
		if err != nil {
			return err
		}
		return insertMeta(c, meta)
	})
	s.there = err == nil
	return err
}

// write never tries again: when the session is lost while it ends a
// transaction, nobody knows whether it did.
func (s *schema) write(do func(tx) error) error {
	c := schemaTx{context.Background(), s.conn}
	_, err := c.exec("BEGIN")
	if err == nil {
		if err = do(c); err != nil {
			_, undone := c.exec("ROLLBACK")
			err = errors.Join(err, undone)
		} else {
			err = c.commit()
		}
	}
	return s.stopped(err)
}

// stopped is err, or ErrStopped where the session is lost.
func (s *schema) stopped(err error) error {
	if err != nil && s.conn.IsClosed() {
		return fmt.Errorf("%w: %w", ErrStopped, err)
	}
	return err
}

func (s *schema) held() error {
	ctx, cancel := context.WithTimeout(context.Background(), answering)
	defer cancel()
	return s.stopped(s.conn.Ping(ctx))
}

func (s *schema) read(ctx context.Context, do func(tx) error) error {
	if s.readers == nil {
		// Not ctx: where that ends, so does the session.
		return s.stopped(do(schemaTx{context.Background(), s.conn}))
	}
	c, err := s.readers.Acquire(ctx)
	if err == nil {
		defer c.Release()
		if err = do(schemaTx{ctx, c.Conn()}); err == nil || !c.Conn().IsClosed() {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %s", ErrUnavailable, strings.Join(strings.Fields(err.Error()), " "))
}

// forget vacuums until no session anywhere can still see what was deleted, and
// then writes the tables anew: it would stay in the free space of their pages.
// That takes the time it takes.
func (s *schema) forget() error {
	ctx := context.Background()
	busy := fmt.Errorf("another session uses the database, and what was deleted is in %s until it is through: ask for the erasure again", s.base)
	for try := 1; ; try++ {
		if _, err := s.conn.Exec(ctx, "VACUUM "+s.swept); err != nil {
			return s.stopped(err)
		}
		var seen int64
		err := s.conn.QueryRow(ctx, `SELECT sum(pg_stat_get_dead_tuples(oid) + pg_stat_get_dead_tuples(reltoastrelid))
			FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relname = ANY (string_to_array($2, ', '))`, s.base, s.swept).Scan(&seen)
		if err != nil {
			return s.stopped(err)
		}
		if seen == 0 {
			break
		}
		if try == s.tries {
			return busy
		}
		if _, err := s.conn.Exec(ctx, "SELECT pg_sleep(0.05)"); err != nil {
			return s.stopped(err)
		}
	}
	_, err := s.conn.Exec(ctx, "VACUUM (FULL) "+s.swept)
	if code(err) == lockTimeout {
		return busy
	}
	return s.stopped(err)
}

func (s *schema) close() error {
	if s.readers != nil {
		s.readers.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), connecting)
	defer cancel()
	return s.conn.Close(ctx)
}

// A schemaTx is a session that is asked.
type schemaTx struct {
	ctx  context.Context
	conn *pgx.Conn
}

func (t schemaTx) exec(sql string, args ...any) (int64, error) {
	ctx, cancel := context.WithTimeout(t.ctx, answering)
	defer cancel()
	tag, err := t.conn.Exec(ctx, sql, args...)
	return tag.RowsAffected(), err
}

// commit fails where the server has rolled back instead, which is no error of
// its own.
func (t schemaTx) commit() error {
	ctx, cancel := context.WithTimeout(t.ctx, answering)
	defer cancel()
	tag, err := t.conn.Exec(ctx, "COMMIT")
	if err == nil && tag.String() != "COMMIT" {
		err = fmt.Errorf("the server answered a commit with %s", tag)
	}
	return err
}

func (t schemaTx) query(sql string, args, into []any, each func() error) error {
	ctx, cancel := context.WithTimeout(t.ctx, answering)
	defer cancel()
	if each == nil {
		each = func() error { return nil }
	}
	rows, err := t.conn.Query(ctx, sql, args...)
	if err == nil {
		_, err = pgx.ForEachRow(rows, into, each)
	}
	return err
}
