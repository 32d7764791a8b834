-- Indexes by which the rows that a statement reads are bounded by the rows that it returns.
--
-- Not CONCURRENTLY: that waits for every older transaction, and so for a second migrator, which waits for the first one's
-- advisory lock. Writes to `jobs` wait while the indexes are built, some seconds for some million rows; reads do not.
-- Where that is too long, an operator builds the indexes concurrently by hand before, and then nothing is built here.
SET LOCAL lock_timeout = '5s';
-- Building takes as long as it takes, also for a role whose statements end sooner.
SET LOCAL statement_timeout = 0;

-- Jobs with one key, the latest of which counts.
CREATE INDEX IF NOT EXISTS jobs_of_key ON jobs (tenant_id, kind, dedupe_key, id) WHERE dedupe_key IS NOT NULL;

-- Failed jobs that may be brought back, of all kinds and of one.
CREATE INDEX IF NOT EXISTS jobs_redrivable ON jobs (tenant_id, id) WHERE state = 'failed' AND superseded_at IS NULL;
CREATE INDEX IF NOT EXISTS jobs_redrivable_of_kind ON jobs (tenant_id, kind, id) WHERE state = 'failed' AND superseded_at IS NULL;
