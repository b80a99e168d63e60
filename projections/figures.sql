CREATE TABLE figures (
	scope   TEXT NOT NULL,    -- a cycle, or a programme's year
	measure INTEGER NOT NULL, -- its place in the list
	n       INTEGER NOT NULL, -- of the event
	key     BLOB,             -- digest of what takes the entry out again, if anything can
	value   INTEGER NOT NULL,
	of      INTEGER,          -- a word: what a distinct count tells apart
	PRIMARY KEY (scope, measure, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX figures_key ON figures (key, measure) WHERE key IS NOT NULL;

CREATE TABLE figures_word (
	id   INTEGER PRIMARY KEY,
	word TEXT NOT NULL UNIQUE
) STRICT;
