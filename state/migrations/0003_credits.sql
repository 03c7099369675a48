-- Use of cloud credits, as it was handed in: one row for an account under a
-- contract on a day. month counts from January of the year 0, so that adding up
-- by months reads the same in every dialect.
CREATE TABLE credit_usage (
    account  TEXT NOT NULL REFERENCES account (id),
    contract TEXT NOT NULL,
    day      INTEGER NOT NULL,
    month    INTEGER NOT NULL,
    amount   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (account, contract, day)
) STRICT;
CREATE INDEX credit_usage_contract ON credit_usage (contract, day);

-- Every import; done is 0 and body is the CSV as long as it waits to be performed.
CREATE TABLE credit_import (
    id      INTEGER NOT NULL PRIMARY KEY,
    file    TEXT NOT NULL,
    actor   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    done    INTEGER NOT NULL,
    added   INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    same    INTEGER NOT NULL,
    body    TEXT NOT NULL
) STRICT;
