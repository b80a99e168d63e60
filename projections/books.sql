-- One row for each event, by its book. What it says is in the log.
CREATE TABLE books (
	book   INTEGER NOT NULL, -- a word
	n      INTEGER NOT NULL, -- counts the book's events from 0
	event  INTEGER NOT NULL, -- its number in the log
	hashes BLOB NOT NULL,    -- of its header, and of each subtree that it completes, the smallest first
	PRIMARY KEY (book, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE books_word (
	id   INTEGER PRIMARY KEY,
	word TEXT NOT NULL
) STRICT;
