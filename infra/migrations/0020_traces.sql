-- The trace in which a job was made, as W3C writes it (55 characters): the message that the sweep sends later belongs to it, too.
SET LOCAL lock_timeout = '5s';

ALTER TABLE jobs ADD COLUMN IF NOT EXISTS traceparent varchar(55);
