-- Uploads that a patient has sent with a complaint. An upload that is removed later is missing then, and nothing else is.
SET LOCAL lock_timeout = '5s';

ALTER TABLE consultations ADD COLUMN attachments uuid[] NOT NULL DEFAULT '{}';
