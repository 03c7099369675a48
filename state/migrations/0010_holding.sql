-- How many people hold a product under a contract for the same days, so that seats
-- are never counted by reading everybody's access. people are those who are not
-- suspended: a row begins whenever they become more or fewer. Of the row in force,
-- pending of the people have not activated their account, and suspended hold the
-- same but for being suspended; a row ends for good when nobody is left at all.
CREATE TABLE holding (
    seq       INTEGER NOT NULL PRIMARY KEY,
    contract  TEXT NOT NULL,
    product   TEXT NOT NULL,
    first_day INTEGER NOT NULL,
    last_day  INTEGER NOT NULL,
    people    INTEGER NOT NULL,
    pending   INTEGER NOT NULL,
    suspended INTEGER NOT NULL,
    since     INTEGER NOT NULL,
    until     INTEGER
) STRICT;
CREATE UNIQUE INDEX holding_in_force ON holding (contract, product, first_day, last_day) WHERE until IS NULL;

-- Who has neither access nor a role is found by stewards of every contract. idle is
-- kept for rows in force, and means nothing in others.
ALTER TABLE person ADD COLUMN idle INTEGER NOT NULL DEFAULT 0;
UPDATE person SET idle = 1 WHERE until IS NULL
    AND NOT EXISTS (SELECT 1 FROM access WHERE account = person.account AND until IS NULL)
    AND NOT EXISTS (SELECT 1 FROM role WHERE account = person.account AND until IS NULL);
-- What is checked of those found by an index stands in it, that a row is in force
-- included, so that they are not looked up in the table as well.
CREATE INDEX person_idle ON person (account, idle, until) WHERE until IS NULL AND idle = 1;
DROP INDEX person_suspended;
CREATE INDEX person_suspended ON person (account, suspended, until) WHERE until IS NULL AND suspended = 1;
DROP INDEX person_sorted;
CREATE INDEX person_sorted ON person (sort_key, account, suspended, idle, until) WHERE until IS NULL;
CREATE INDEX role_contract ON role (contract, account, until) WHERE until IS NULL;
DROP INDEX invitation_expires;
CREATE INDEX invitation_expires ON invitation (expires, until) WHERE until IS NULL;
DROP INDEX access_offer;
CREATE INDEX access_offer ON access (product, contract, until) WHERE until IS NULL;
