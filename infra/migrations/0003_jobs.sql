-- Jobs of any kind: what they work on, how far they are, and how they end.

ALTER TABLE jobs
    ALTER COLUMN consultation_id DROP NOT NULL,              -- later kinds are about something else
    ADD COLUMN user_id             text,                     -- whose record it is about: they may see it
    ADD COLUMN locale              text NOT NULL DEFAULT 'zh' CHECK (locale IN ('zh', 'en')),
    ADD COLUMN payload             jsonb NOT NULL DEFAULT '{}', -- ids, never medical text
    ADD COLUMN dedupe_key          text,                     -- of two unfinished jobs with one key there is only one
    ADD COLUMN progress            smallint NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
    ADD COLUMN step                text,                     -- what it is doing: a name, never content
    ADD COLUMN runs                integer NOT NULL DEFAULT 0, -- claims ever granted; attempts can be forgiven, these not
    ADD COLUMN ran_alone           boolean NOT NULL DEFAULT false, -- the last run had no company in its worker
    ADD COLUMN unknown_since       timestamptz,              -- when a worker first did not know its kind
    ADD COLUMN not_before          timestamptz,              -- when its backoff or deferral is over
    ADD COLUMN burials             smallint NOT NULL DEFAULT 0, -- times its messages came to the dead-letter queue too early
    ADD COLUMN buried_at           timestamptz,              -- the last of these
    ADD COLUMN deferred_since      timestamptz,
    ADD COLUMN cancel_requested_at timestamptz;

UPDATE jobs SET user_id = c.user_id, locale = c.locale, payload = jsonb_build_object('consultation_id', c.id)
FROM consultations c WHERE (c.tenant_id, c.id) = (jobs.tenant_id, jobs.consultation_id);

ALTER TABLE jobs ALTER COLUMN user_id SET NOT NULL;

CREATE UNIQUE INDEX jobs_deduplicated ON jobs (tenant_id, kind, dedupe_key) WHERE state IN ('queued', 'active', 'deferred');
CREATE INDEX jobs_failed ON jobs (tenant_id, id) WHERE state = 'failed';

-- A row lives until its job has ended. When it is due, somebody looks whether a message of the job is still on its way.
DROP INDEX outbox_unsent;
ALTER TABLE outbox
    DROP COLUMN body, -- the job's row says it all
    DROP COLUMN sent_at,
    ADD COLUMN due_at timestamptz NOT NULL DEFAULT now() + interval '10 seconds',
    ADD COLUMN sends  smallint NOT NULL DEFAULT 0; -- by the sweep
CREATE INDEX outbox_due ON outbox (tenant_id, due_at);
DELETE FROM outbox o USING jobs j
WHERE (j.tenant_id, j.id) = (o.tenant_id, o.job_id) AND j.state IN ('completed', 'failed', 'cancelled');

-- A consultation's status is what has become of its job: it is read from there, so that the two cannot disagree.
ALTER TABLE consultations
    DROP COLUMN status,
    ADD COLUMN requires_model boolean NOT NULL DEFAULT false, -- rather no answer than the rules' alone
    ADD COLUMN report jsonb; -- where the latest report lies

-- Messages that nobody understood. They belong to no tenant that could be known; an operator reads them here, never in a log.
CREATE TABLE quarantine (
    message_id text        PRIMARY KEY,
    reason     text        NOT NULL,
    body       text        NOT NULL,
    arrived_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX quarantine_arrival ON quarantine (arrived_at);
