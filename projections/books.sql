-- Each book's leaves, 16 in a row: a row for each event would be most of what a
-- replay costs.
CREATE TABLE books (
	book   INTEGER NOT NULL, -- a word
	row    INTEGER NOT NULL, -- the first of its leaves is 16 times this, counted from 0
	events BLOB NOT NULL,    -- their numbers in the log, 8 bytes each
	hashes BLOB NOT NULL,    -- of their headers and, when there are 16, of each larger subtree that they complete, the smallest first
	PRIMARY KEY (book, row)
) STRICT, WITHOUT ROWID;

CREATE TABLE books_word (
	id   INTEGER PRIMARY KEY,
	word TEXT NOT NULL
) STRICT;
