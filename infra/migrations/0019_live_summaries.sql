-- The beginning of a summary, as an event of its own while a model writes it. Such a text is part of no answer that was accepted: it goes
-- when the run ends, whatever becomes of the job. Its kind is 'progress', which earlier versions of the functions know.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = 0;

ALTER TABLE consultation_events
    ADD COLUMN IF NOT EXISTS is_summary boolean NOT NULL DEFAULT false,
    ADD COLUMN IF NOT EXISTS summary text; -- of a summary, while its run goes on

CREATE INDEX IF NOT EXISTS live_summaries ON consultation_events (tenant_id, consultation_id) WHERE summary IS NOT NULL;

CREATE FUNCTION remove_live_summaries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE consultation_events
    SET summary = NULL
    WHERE tenant_id = NEW.tenant_id AND consultation_id = NEW.consultation_id AND job_id = NEW.id AND summary IS NOT NULL;
    RETURN NULL;
END
$$;

-- Also when another run takes over from one whose worker died.
CREATE TRIGGER remove_live_summaries AFTER UPDATE OF state, lease_token ON jobs
    FOR EACH ROW WHEN (
        OLD.state = 'active' AND OLD.lease_token IS DISTINCT FROM NEW.lease_token AND NEW.consultation_id IS NOT NULL
    )
    EXECUTE FUNCTION remove_live_summaries();

-- A run that takes over is told of although it begins where the one before has stopped: that one's summary is gone.
CREATE OR REPLACE FUNCTION append_job_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH changed AS MATERIALIZED (
        SELECT tenant_id, consultation_id, job.id AS job_id, job.kind AS job_kind, job.progress, job.step,
               CASE job.state WHEN 'active' THEN 'progress' ELSE job.state END AS kind,
               CASE WHEN job.state IN ('queued', 'deferred', 'failed') THEN job.last_error END AS reason,
               row_number() OVER events_of_one AS place, count(*) OVER (PARTITION BY tenant_id, consultation_id) AS places
        FROM new_jobs job
        JOIN old_jobs before USING (tenant_id, id, consultation_id)
        WHERE (job.state, job.progress, job.step) IS DISTINCT FROM (before.state, before.progress, before.step)
           OR job.state = 'active' AND job.lease_token IS DISTINCT FROM before.lease_token
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
