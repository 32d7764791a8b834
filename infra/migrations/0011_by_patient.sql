-- Whether a consultation was created by a patient, who asks of themselves: what clinicians enter for others is nobody's history.
-- Of rows from before that is not known, so they count as entered for others. Calls go on meanwhile, so this gives up after five
-- seconds instead of waiting for a long transaction.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = 0;

ALTER TABLE consultations ADD COLUMN by_patient boolean NOT NULL DEFAULT false;
