-- Where lines stand now that rows in force were recorded with: a file that gains a
-- line moves all who are declared behind it, and their rows stay as they are. runs is
-- a list of numbers, three each: the first line as recorded, how many, and the line
-- at which it stands now. Files whose lines never moved have no row, and rows that are
-- no longer in force keep the lines that they had when they ended.
CREATE TABLE moved_lines (
    file TEXT NOT NULL PRIMARY KEY,
    runs TEXT NOT NULL
) STRICT;
