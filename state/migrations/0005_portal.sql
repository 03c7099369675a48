-- What people sign in with. A password of their own is kept as an argon2id string
-- (PHC); issue is the invitation that it accepted, 0 for one set by a reset.
CREATE TABLE password (
    account TEXT NOT NULL PRIMARY KEY REFERENCES account (id),
    hash    TEXT NOT NULL,
    issue   INTEGER NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

-- Signed-in browsers, by the hash of what their cookie holds.
CREATE TABLE session (
    token   TEXT NOT NULL PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id),
    body    TEXT NOT NULL,
    seen    INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX session_account ON session (account);
CREATE INDEX session_expires ON session (expires);

-- Links that let somebody choose a new password, by the hash of what they hold;
-- one an account, and gone once it is used.
CREATE TABLE password_reset (
    account TEXT NOT NULL PRIMARY KEY REFERENCES account (id),
    token   BLOB NOT NULL UNIQUE,
    expires INTEGER NOT NULL
) STRICT;
