-- What the controller that watches says of itself, for `usher status`.
CREATE TABLE report (
    one  INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    at   INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;

-- What stewards were told outside of any revision, so that it is not told again
-- without news.
CREATE TABLE told (
    topic TEXT NOT NULL,
    news  TEXT NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (topic)
) STRICT;

CREATE INDEX outbox_open ON outbox (state, created, next) WHERE state IN ('queued', 'sending', 'failed', 'held');
CREATE INDEX request_open ON request (id) WHERE done = 0;
