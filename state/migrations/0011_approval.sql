-- A held plan that concerns contracts of several managers is let through by each
-- for theirs: what it concerns, and who has said yes so far.
ALTER TABLE hold ADD COLUMN contracts TEXT NOT NULL DEFAULT '[]';

CREATE TABLE approval (
    hold     INTEGER NOT NULL REFERENCES hold (seq),
    contract TEXT NOT NULL,
    account  TEXT NOT NULL REFERENCES account (id),
    actor    TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (hold, contract)
) STRICT;
