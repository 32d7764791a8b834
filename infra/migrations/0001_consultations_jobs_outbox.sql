-- A tenant is the first column of every key, and every reference carries it: a row of one tenant cannot point at
-- another's. Ids are UUIDv7, so that (tenant_id, id) is also the order in time.

CREATE TABLE consultations (
    tenant_id    text        NOT NULL,
    id           uuid        NOT NULL,
    user_id      text        NOT NULL,
    job_id       uuid        NOT NULL,
    status       text        NOT NULL DEFAULT 'processing' CHECK (status IN ('processing', 'completed', 'failed')),
    urgency      text        NOT NULL CHECK (urgency IN ('self_care', 'routine', 'urgent', 'emergency')),
    locale       text        NOT NULL CHECK (locale IN ('zh', 'en')),
    symptoms     text        NOT NULL,
    age          smallint    CHECK (age BETWEEN 0 AND 130),
    sex          text        CHECK (sex IN ('female', 'male', 'other')),
    history      text,
    triage       jsonb       NOT NULL, -- what the rules said at once; never changed
    assessment   jsonb,                -- the answer, written once
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CHECK ((status = 'completed') = (assessment IS NOT NULL))
);

-- A patient's own list; a clinician's goes over the primary key.
CREATE INDEX consultations_of_user ON consultations (tenant_id, user_id, id);

CREATE TABLE jobs (
    tenant_id        text        NOT NULL,
    id               uuid        NOT NULL,
    consultation_id  uuid        NOT NULL,
    kind             text        NOT NULL,
    state            text        NOT NULL DEFAULT 'queued'
                     CHECK (state IN ('queued', 'active', 'deferred', 'completed', 'failed', 'cancelled')),
    attempts         smallint    NOT NULL DEFAULT 0,
    last_error       text,                -- a code, never content
    lease_token      uuid,                -- who may write the result: a later claim takes it away from an earlier one
    lease_expires_at timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    started_at       timestamptz,
    finished_at      timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, consultation_id) REFERENCES consultations ON DELETE CASCADE,
    CHECK ((lease_token IS NULL) = (lease_expires_at IS NULL))
);

CREATE INDEX jobs_of_consultation ON jobs (tenant_id, consultation_id);

-- What must be sent to the queue. A row commits with the work it announces; sent_at follows the send.
CREATE TABLE outbox (
    tenant_id  text        NOT NULL,
    job_id     uuid        NOT NULL,
    body       jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at    timestamptz,
    PRIMARY KEY (tenant_id, job_id),
    FOREIGN KEY (tenant_id, job_id) REFERENCES jobs ON DELETE CASCADE
);

CREATE INDEX outbox_unsent ON outbox (created_at) WHERE sent_at IS NULL;

CREATE TABLE idempotency_keys (
    tenant_id       text        NOT NULL,
    user_id         text        NOT NULL,
    operation       text        NOT NULL, -- a key is one operation's own: 'create'
    key             text        NOT NULL,
    fingerprint     bytea       NOT NULL, -- SHA-256 of the request
    consultation_id uuid        NOT NULL,
    expires_at      timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id, operation, key),
    FOREIGN KEY (tenant_id, consultation_id) REFERENCES consultations ON DELETE CASCADE
);

CREATE INDEX idempotency_keys_of_consultation ON idempotency_keys (tenant_id, consultation_id);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);
