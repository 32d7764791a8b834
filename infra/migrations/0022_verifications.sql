-- An upload is looked at by one verifier at a time, and one person's by a few of them: until when it is, at the longest.
SET LOCAL lock_timeout = '5s';

ALTER TABLE uploads ADD COLUMN verified_until timestamptz;
