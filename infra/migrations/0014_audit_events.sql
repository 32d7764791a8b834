-- Who has read, exported or erased whose record, and when: ids only, never content. Rows outlive what they are about.
SET LOCAL lock_timeout = '5s';

CREATE TABLE audit_events (
    tenant_id       text        NOT NULL,
    id              uuid        NOT NULL, -- UUIDv7: later ones are greater
    actor_id        text,                 -- none if the system itself did it
    actor_role      text        NOT NULL CHECK (actor_role IN ('patient', 'clinician', 'admin', 'system')),
    action          text        NOT NULL,
    subject_id      text        NOT NULL, -- whose record it is
    consultation_id uuid,
    upload_id       uuid,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX audit_events_of_subject ON audit_events (tenant_id, subject_id, id);
CREATE INDEX audit_events_of_actor ON audit_events (tenant_id, actor_id, id);
CREATE INDEX audit_events_of_consultation ON audit_events (tenant_id, consultation_id, id) WHERE consultation_id IS NOT NULL;

-- Those that go with no consultation are removed 30 days after their end.
CREATE INDEX jobs_of_no_consultation ON jobs (finished_at) WHERE consultation_id IS NULL AND state IN ('completed', 'cancelled');
