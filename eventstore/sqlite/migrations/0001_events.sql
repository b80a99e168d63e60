-- The log. Positions are given inside the write transaction, one after the
-- other from 1, so that the order of commits is the order of positions.

PRAGMA application_id = 0x44617962; -- "Dayb"

CREATE TABLE store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id  BLOB NOT NULL CHECK (length(id) = 16)
) STRICT;

CREATE TABLE events (
    position INTEGER PRIMARY KEY CHECK (position > 0),
    stream   TEXT    NOT NULL CHECK (stream <> ''),
    revision INTEGER NOT NULL CHECK (revision >= 0),
    id       BLOB    NOT NULL CHECK (length(id) = 16),
    name     TEXT    NOT NULL CHECK (name <> ''),
    data     BLOB    NOT NULL,
    metadata BLOB    NOT NULL,
    checksum INTEGER NOT NULL,
    UNIQUE (stream, revision)
) STRICT;

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;

CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END;

CREATE TRIGGER the_store_is_never_changed BEFORE UPDATE ON store
BEGIN SELECT RAISE(ABORT, 'a store keeps its id'); END;

CREATE TRIGGER the_store_is_never_deleted BEFORE DELETE ON store
BEGIN SELECT RAISE(ABORT, 'a store keeps its id'); END;

CREATE TRIGGER the_store_is_never_replaced BEFORE INSERT ON store
WHEN EXISTS (SELECT 1 FROM store)
BEGIN SELECT RAISE(ABORT, 'a store keeps its id'); END;
