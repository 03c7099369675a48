-- Times are milliseconds since 1970 UTC; days are days since 1970, with the ends
-- of time as the smallest and largest 32-bit numbers. since and until are numbers
-- of revisions: a row is true from the one and no longer in the other; without an
-- until it is in force.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE owner (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    epoch   INTEGER NOT NULL,
    command TEXT NOT NULL,
    pid     INTEGER NOT NULL,
    host    TEXT NOT NULL,
    since   INTEGER NOT NULL
) STRICT;

CREATE TABLE revision (
    number       INTEGER NOT NULL PRIMARY KEY,
    at           INTEGER NOT NULL,
    cause        TEXT NOT NULL,
    source       TEXT NOT NULL,
    path         TEXT NOT NULL,
    commit_id    TEXT NOT NULL,
    digest       TEXT NOT NULL,
    plan_id      TEXT NOT NULL,
    approved     INTEGER NOT NULL,
    actor        TEXT NOT NULL,
    calendar_day INTEGER NOT NULL,
    changes      INTEGER NOT NULL,
    messages     INTEGER NOT NULL
) STRICT;
CREATE INDEX revision_at ON revision (at);

CREATE TABLE account (
    id        TEXT NOT NULL PRIMARY KEY,
    created   INTEGER NOT NULL,
    activated INTEGER NOT NULL
) STRICT;

-- Names and addresses stand apart from the ids, so that they can be forgotten.
CREATE TABLE person (
    seq          INTEGER NOT NULL PRIMARY KEY,
    account      TEXT NOT NULL REFERENCES account (id),
    name         TEXT NOT NULL,
    email        TEXT NOT NULL,
    email_key    TEXT NOT NULL,
    first_name   TEXT NOT NULL,
    last_name    TEXT NOT NULL,
    signing_keys TEXT NOT NULL,
    suspended    INTEGER NOT NULL,
    generation   INTEGER NOT NULL,
    origin       TEXT NOT NULL,
    since        INTEGER NOT NULL,
    until        INTEGER
) STRICT;
CREATE UNIQUE INDEX person_account ON person (account) WHERE until IS NULL;
CREATE UNIQUE INDEX person_name ON person (name) WHERE until IS NULL;
CREATE UNIQUE INDEX person_email ON person (email_key) WHERE until IS NULL;
CREATE INDEX person_ended ON person (until) WHERE until IS NOT NULL;
CREATE INDEX person_history ON person (account, since);

CREATE TABLE invitation (
    account     TEXT NOT NULL REFERENCES account (id),
    issue       INTEGER NOT NULL,
    secret_hash BLOB NOT NULL,
    issued      INTEGER NOT NULL,
    expires     INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    until       INTEGER,
    PRIMARY KEY (account, issue)
) STRICT;

CREATE TABLE access (
    seq       INTEGER NOT NULL PRIMARY KEY,
    account   TEXT NOT NULL REFERENCES account (id),
    contract  TEXT NOT NULL,
    product   TEXT NOT NULL,
    first_day INTEGER NOT NULL,
    last_day  INTEGER NOT NULL,
    reason    TEXT NOT NULL,
    because   TEXT NOT NULL,
    since     INTEGER NOT NULL,
    until     INTEGER
) STRICT;
CREATE UNIQUE INDEX access_in_force ON access (account, contract, product, first_day, last_day) WHERE until IS NULL;
CREATE INDEX access_ended ON access (until) WHERE until IS NOT NULL;

CREATE TABLE role (
    seq      INTEGER NOT NULL PRIMARY KEY,
    contract TEXT NOT NULL,
    account  TEXT NOT NULL REFERENCES account (id),
    role     TEXT NOT NULL,
    since    INTEGER NOT NULL,
    until    INTEGER
) STRICT;
CREATE UNIQUE INDEX role_in_force ON role (account, contract, role) WHERE until IS NULL;
CREATE UNIQUE INDEX role_one_manager ON role (contract) WHERE role = 'contractManager' AND until IS NULL;
CREATE INDEX role_ended ON role (until) WHERE until IS NOT NULL;

CREATE TABLE product (
    seq    INTEGER NOT NULL PRIMARY KEY,
    name   TEXT NOT NULL,
    body   TEXT NOT NULL,
    origin TEXT NOT NULL,
    since  INTEGER NOT NULL,
    until  INTEGER
) STRICT;
CREATE UNIQUE INDEX product_in_force ON product (name) WHERE until IS NULL;

CREATE TABLE contract (
    seq           INTEGER NOT NULL PRIMARY KEY,
    name          TEXT NOT NULL,
    body          TEXT NOT NULL,
    support_email TEXT NOT NULL,
    origin        TEXT NOT NULL,
    since         INTEGER NOT NULL,
    until         INTEGER
) STRICT;
CREATE UNIQUE INDEX contract_in_force ON contract (name) WHERE until IS NULL;

CREATE TABLE team (
    seq     INTEGER NOT NULL PRIMARY KEY,
    name    TEXT NOT NULL,
    body    TEXT NOT NULL,
    reasons TEXT NOT NULL,
    origin  TEXT NOT NULL,
    since   INTEGER NOT NULL,
    until   INTEGER
) STRICT;
CREATE UNIQUE INDEX team_in_force ON team (name) WHERE until IS NULL;

CREATE TABLE team_member (
    seq     INTEGER NOT NULL PRIMARY KEY,
    team    TEXT NOT NULL,
    account TEXT NOT NULL REFERENCES account (id),
    since   INTEGER NOT NULL,
    until   INTEGER
) STRICT;
CREATE UNIQUE INDEX team_member_in_force ON team_member (team, account) WHERE until IS NULL;
CREATE INDEX team_member_account ON team_member (account) WHERE until IS NULL;
CREATE INDEX team_member_ended ON team_member (until) WHERE until IS NOT NULL;

CREATE TABLE audit (
    seq        INTEGER NOT NULL PRIMARY KEY,
    revision   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    subject    TEXT NOT NULL,
    entries    TEXT NOT NULL,
    commitment BLOB NOT NULL,
    hash       BLOB NOT NULL
) STRICT;
CREATE INDEX audit_subject ON audit (subject);

-- What the commitments of the audit commit to; deleted when it is forgotten.
CREATE TABLE audit_personal (
    seq   INTEGER NOT NULL PRIMARY KEY,
    salt  BLOB NOT NULL,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE outbox (
    id         INTEGER NOT NULL PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    recipient  TEXT NOT NULL,
    subject    TEXT NOT NULL,
    account    TEXT NOT NULL,
    issue      INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    state      TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    created    INTEGER NOT NULL,
    sent       INTEGER NOT NULL,
    next       INTEGER NOT NULL,
    body       BLOB NOT NULL
) STRICT;
CREATE INDEX outbox_account ON outbox (account, id);
CREATE INDEX outbox_revision ON outbox (revision);
CREATE INDEX outbox_waiting ON outbox (id) WHERE state IN ('queued', 'sending');

CREATE TABLE request (
    id       INTEGER NOT NULL PRIMARY KEY,
    kind     TEXT NOT NULL,
    argument TEXT NOT NULL,
    actor    TEXT NOT NULL,
    at       INTEGER NOT NULL,
    done     INTEGER NOT NULL,
    result   TEXT NOT NULL
) STRICT;

CREATE TABLE hold (
    seq         INTEGER NOT NULL PRIMARY KEY,
    plan_id     TEXT NOT NULL,
    at          INTEGER NOT NULL,
    basis       INTEGER NOT NULL,
    digest      TEXT NOT NULL,
    rules       TEXT NOT NULL,
    state       TEXT NOT NULL,
    approved_at INTEGER NOT NULL,
    approved_by TEXT NOT NULL,
    plan        TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX hold_open ON hold (plan_id) WHERE state IN ('held', 'approved');
