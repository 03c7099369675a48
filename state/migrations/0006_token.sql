-- Tokens of the HTTP API. hash is the SHA-256 of the token, which rests nowhere;
-- hint is how it begins. used is kept to the hour. Rows stay when revoked.
CREATE TABLE token (
    id         INTEGER NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    hint       TEXT NOT NULL,
    hash       BLOB NOT NULL UNIQUE,
    scopes     TEXT NOT NULL,
    created    INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires    INTEGER NOT NULL,
    used       INTEGER NOT NULL,
    revoked    INTEGER NOT NULL,
    revoked_by TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX token_name ON token (name) WHERE revoked = 0;
