-- What people are found and listed by; empty for rows no longer in force, so that
-- nothing of it is left of somebody who was removed. sort_key is the last name, the
-- first name and the address, folded, with a tab between: it orders the list and
-- finds last names. Beginnings are found as ranges of these indexes, which reads
-- the same in every dialect (where text is not compared byte by byte, they want
-- that collation).
ALTER TABLE person ADD COLUMN sort_key TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN first_key TEXT NOT NULL DEFAULT '';
CREATE INDEX person_sorted ON person (sort_key) WHERE until IS NULL;
CREATE INDEX person_first ON person (first_key) WHERE until IS NULL;
CREATE INDEX person_suspended ON person (account) WHERE until IS NULL AND suspended = 1;

-- Words within names and addresses that none of their beginnings finds: Berg of
-- "van der Berg". Most people have none.
CREATE TABLE person_word (
    account TEXT NOT NULL REFERENCES account (id),
    word    TEXT NOT NULL,
    PRIMARY KEY (account, word)
) STRICT;
CREATE INDEX person_word_word ON person_word (word);

CREATE INDEX account_activated ON account (activated) WHERE activated > 0;
CREATE INDEX invitation_expires ON invitation (expires) WHERE until IS NULL;
CREATE INDEX invitation_ended ON invitation (account) WHERE until IS NOT NULL;
CREATE INDEX access_offer ON access (product, contract) WHERE until IS NULL;
