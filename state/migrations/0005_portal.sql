-- What people sign in with: a password of their own, as an argon2id string (PHC).
CREATE TABLE password (
    account TEXT NOT NULL PRIMARY KEY REFERENCES account (id),
    hash    TEXT NOT NULL,
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

-- The last code of an account that lets its owner choose a new password, as a keyed
-- hash; expires is 0 once it is used. The row stays, because a number that came again
-- would be the same code again.
CREATE TABLE password_reset (
    account TEXT NOT NULL PRIMARY KEY REFERENCES account (id),
    number  INTEGER NOT NULL,
    hash    BLOB NOT NULL,
    expires INTEGER NOT NULL
) STRICT;

CREATE INDEX person_email_ended ON person (email_key) WHERE until IS NOT NULL;
