-- Files that cannot be removed are tried again after a while that grows with each try; whether any wait for that is counted. How many
-- uploads of a tenant are looked at by verifiers is read without the others that are pending. What is uploaded meanwhile waits for it.
SET LOCAL lock_timeout = '5s';
-- The role may end statements sooner, as for the functions.
SET LOCAL statement_timeout = 0;

ALTER TABLE removed_uploads ADD COLUMN IF NOT EXISTS tries integer NOT NULL DEFAULT 0;
CREATE INDEX IF NOT EXISTS removed_uploads_failed ON removed_uploads (tries) WHERE tries > 0;

CREATE INDEX IF NOT EXISTS uploads_in_verification
    ON uploads (tenant_id, verified_until)
    WHERE state = 'pending' AND verified_until IS NOT NULL;
