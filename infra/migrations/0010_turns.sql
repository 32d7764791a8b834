-- A consultation may go on: each message of the patient is a turn, whose words stand in the transcripts' table, and each turn has
-- a job of its own, which makes a new assessment.

ALTER TABLE consultations ADD COLUMN turns smallint NOT NULL DEFAULT 1 CHECK (turns BETWEEN 1 AND 100);
