-- Who a revision's commit names and who signed it; empty for plain folders and for
-- revisions made before this was recorded. parents are ids with a blank between:
-- two or more are a merge.
ALTER TABLE revision ADD COLUMN author TEXT NOT NULL DEFAULT '';
ALTER TABLE revision ADD COLUMN committer TEXT NOT NULL DEFAULT '';
ALTER TABLE revision ADD COLUMN signer TEXT NOT NULL DEFAULT '';
ALTER TABLE revision ADD COLUMN fingerprint TEXT NOT NULL DEFAULT '';
ALTER TABLE revision ADD COLUMN parents TEXT NOT NULL DEFAULT '';
