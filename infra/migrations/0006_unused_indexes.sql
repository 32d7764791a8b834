-- Indexes that no statement uses: a redrive goes by jobs_redrivable now, and users are listed by their ids. By themselves,
-- since dropping one locks its table against everything for a moment.
SET LOCAL lock_timeout = '5s';
-- The role may end statements sooner, as for the functions.
SET LOCAL statement_timeout = 0;

DROP INDEX IF EXISTS jobs_failed;
DROP INDEX IF EXISTS users_created_at;
