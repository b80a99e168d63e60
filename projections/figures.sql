CREATE TABLE figures (
	scope   INTEGER NOT NULL, -- a word: a cycle, or a programme's year
	measure INTEGER NOT NULL, -- its place in the list
	n       INTEGER NOT NULL, -- of the event
	key     INTEGER NOT NULL, -- a word: what takes the entry out again; 0 where nothing can
	value   INTEGER NOT NULL,
	of      INTEGER NOT NULL, -- a word: what a distinct count tells apart; 0 for other folds
	PRIMARY KEY (scope, measure, n)
) STRICT, WITHOUT ROWID;

CREATE INDEX figures_key ON figures (key, measure) WHERE key > 0;

CREATE TABLE figures_word (
	id   INTEGER PRIMARY KEY,
	word TEXT NOT NULL
) STRICT;
