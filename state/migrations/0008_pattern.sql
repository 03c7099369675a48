-- Text that messages of one kind share. A body of the outbox that begins with a
-- zero byte is stored by how it differs from one of these; id is the beginning of
-- the text's SHA-256.
CREATE TABLE pattern (
    id   BLOB NOT NULL PRIMARY KEY,
    text BLOB NOT NULL
) STRICT;
