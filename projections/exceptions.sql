CREATE TABLE exceptions (
	n     INTEGER NOT NULL, -- of the event
	kind  TEXT NOT NULL, -- of Exception.Kinds
	cycle TEXT NOT NULL,
	PRIMARY KEY (n, kind)
) STRICT, WITHOUT ROWID;
