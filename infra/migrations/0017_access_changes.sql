-- What has changed of people's access since their tokens were given: a role by an import, and the end of what they were signed
-- in with. A copy lies in Valkey; the index is for the schedule that writes it.
SET LOCAL lock_timeout = '5s';

CREATE TABLE access_changes (
    tenant_id     text        NOT NULL,
    user_id       text        NOT NULL, -- the token's `sub`
    role          text        CHECK (role IN ('patient', 'clinician', 'admin')), -- counts instead of the token's
    signed_out_at timestamptz,          -- who signed in before has to sign in again
    changed_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, user_id)
);

CREATE INDEX access_changes_changed_at ON access_changes (changed_at, tenant_id, user_id);
