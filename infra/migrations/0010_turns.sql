-- A consultation may go on: each message of the patient is a turn, whose words stand in the transcripts' table, and each turn has
-- a job of its own, which makes a new assessment. Calls go on meanwhile, so this gives up after five seconds instead of waiting
-- for a long transaction. The column has no check, which would read the whole table.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = 0;

ALTER TABLE consultations ADD COLUMN turns smallint NOT NULL DEFAULT 1; -- messages of the patient, the complaint included

-- The job that a request with the key began; none for keys of consultations.
ALTER TABLE idempotency_keys ADD COLUMN job_id uuid;
