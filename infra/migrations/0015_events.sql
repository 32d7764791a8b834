-- Events of consultations, which clients are told of as they happen and can ask for afterwards. Triggers append them in the
-- transaction of the change itself, whatever statement makes it: so no change is without its event, no event without its change,
-- and no caller makes another round trip. They hold ids, steps and reasons' codes, never medical text.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = 0;

-- The events of one consultation are numbered 1, 2, 3, … Whoever appends holds this row until the commit: so a reader who has
-- seen one number has seen all before it, which a sequence does not give. A row of its own, since a consultation's row is held
-- for seconds while a message is kept.
CREATE TABLE event_streams (
    tenant_id       text   NOT NULL,
    consultation_id uuid   NOT NULL,
    last_id         bigint NOT NULL,
    PRIMARY KEY (tenant_id, consultation_id),
    FOREIGN KEY (tenant_id, consultation_id) REFERENCES consultations ON DELETE CASCADE
) WITH (fillfactor = 70);

CREATE TABLE consultation_events (
    tenant_id       text        NOT NULL,
    consultation_id uuid        NOT NULL,
    id              bigint      NOT NULL,
    kind            text        NOT NULL
                    CHECK (kind IN ('queued', 'progress', 'deferred', 'completed', 'failed', 'cancelled', 'questions')),
    job_id          uuid,     -- none for 'questions'
    job_kind        text,
    progress        smallint, -- percent
    step            text,     -- what the run is doing: a name, never content
    reason          text,     -- a code
    urgency         text,     -- of 'completed' and 'questions'
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, consultation_id, id),
    FOREIGN KEY (tenant_id, consultation_id) REFERENCES event_streams ON DELETE CASCADE
);

-- A new job of a consultation.
CREATE FUNCTION append_queued_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH added AS MATERIALIZED (
        SELECT tenant_id, consultation_id, id AS job_id, kind AS job_kind, progress,
               row_number() OVER events_of_one AS place, count(*) OVER (PARTITION BY tenant_id, consultation_id) AS places
        FROM new_jobs
        WHERE consultation_id IS NOT NULL
        WINDOW events_of_one AS (PARTITION BY tenant_id, consultation_id ORDER BY id)
    ), stream AS (
        -- Locked in one order, so that statements about several jobs cannot block each other for ever.
        INSERT INTO event_streams AS stream (tenant_id, consultation_id, last_id)
        SELECT tenant_id, consultation_id, places
        FROM added
        WHERE place = 1
        ORDER BY tenant_id, consultation_id
        ON CONFLICT (tenant_id, consultation_id) DO UPDATE SET last_id = stream.last_id + excluded.last_id
        RETURNING tenant_id, consultation_id, last_id
    )
    INSERT INTO consultation_events (tenant_id, consultation_id, id, kind, job_id, job_kind, progress)
    SELECT tenant_id, consultation_id, last_id - places + place, 'queued', job_id, job_kind, progress
    FROM added
    JOIN stream USING (tenant_id, consultation_id);
    RETURN NULL;
END
$$;

-- A job that goes on, ends, or is sent again.
CREATE FUNCTION append_job_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH changed AS MATERIALIZED (
        SELECT tenant_id, consultation_id, job.id AS job_id, job.kind AS job_kind, job.progress, job.step,
               CASE job.state WHEN 'active' THEN 'progress' ELSE job.state END AS kind,
               CASE WHEN job.state IN ('queued', 'deferred', 'failed') THEN job.last_error END AS reason,
               row_number() OVER events_of_one AS place, count(*) OVER (PARTITION BY tenant_id, consultation_id) AS places
        FROM new_jobs job
        JOIN old_jobs before USING (tenant_id, id, consultation_id)
        WHERE (job.state, job.progress, job.step) IS DISTINCT FROM (before.state, before.progress, before.step)
        WINDOW events_of_one AS (PARTITION BY tenant_id, consultation_id ORDER BY id)
    ), stream AS (
        INSERT INTO event_streams AS stream (tenant_id, consultation_id, last_id)
        SELECT tenant_id, consultation_id, places
        FROM changed
        WHERE place = 1
        ORDER BY tenant_id, consultation_id
        ON CONFLICT (tenant_id, consultation_id) DO UPDATE SET last_id = stream.last_id + excluded.last_id
        RETURNING tenant_id, consultation_id, last_id
    )
    INSERT INTO consultation_events
        (tenant_id, consultation_id, id, kind, job_id, job_kind, progress, step, reason, urgency)
    SELECT tenant_id, consultation_id, last_id - places + place, kind, job_id, job_kind, progress, step, reason,
           -- As the statement that completes the job has written it.
           CASE WHEN kind = 'completed' THEN (
               SELECT urgency
               FROM consultations
               WHERE consultations.tenant_id = changed.tenant_id AND consultations.id = changed.consultation_id
           ) END
    FROM changed
    JOIN stream USING (tenant_id, consultation_id);
    RETURN NULL;
END
$$;

-- The rules have decided again: after answers or a message.
CREATE FUNCTION append_questions_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH stream AS (
        INSERT INTO event_streams AS stream (tenant_id, consultation_id, last_id)
        VALUES (NEW.tenant_id, NEW.id, 1)
        ON CONFLICT (tenant_id, consultation_id) DO UPDATE SET last_id = stream.last_id + 1
        RETURNING last_id
    )
    INSERT INTO consultation_events (tenant_id, consultation_id, id, kind, urgency)
    SELECT NEW.tenant_id, NEW.id, last_id, 'questions', NEW.urgency
    FROM stream;
    RETURN NULL;
END
$$;

CREATE TRIGGER append_queued_events AFTER INSERT ON jobs
    REFERENCING NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION append_queued_events();

CREATE TRIGGER append_job_events AFTER UPDATE ON jobs
    REFERENCING OLD TABLE AS old_jobs NEW TABLE AS new_jobs
    FOR EACH STATEMENT EXECUTE FUNCTION append_job_events();

CREATE TRIGGER append_questions_event AFTER UPDATE OF triage ON consultations
    FOR EACH ROW WHEN (OLD.triage IS DISTINCT FROM NEW.triage)
    EXECUTE FUNCTION append_questions_event();
