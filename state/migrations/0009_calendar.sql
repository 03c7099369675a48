-- What passes by its days is found by them. Most access has no days.
CREATE INDEX access_begins ON access (first_day) WHERE until IS NULL AND first_day > -2147483648;
CREATE INDEX access_ends ON access (last_day) WHERE until IS NULL AND last_day < 2147483647;
