-- The beginning of a summary, as an event of its own while a model writes it. Such a text is part of no answer that was accepted: it goes
-- when the run ends, whatever becomes of the job.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = 0;

ALTER TABLE consultation_events
    ADD COLUMN summary text, -- of 'summary', while the run goes on
    DROP CONSTRAINT consultation_events_kind_check,
    ADD CONSTRAINT consultation_events_kind_check CHECK (
        kind IN ('queued', 'progress', 'summary', 'deferred', 'completed', 'failed', 'cancelled', 'questions')
    ) NOT VALID;
ALTER TABLE consultation_events VALIDATE CONSTRAINT consultation_events_kind_check;

CREATE INDEX live_summaries ON consultation_events (tenant_id, consultation_id) WHERE summary IS NOT NULL;

CREATE FUNCTION remove_live_summaries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE consultation_events
    SET summary = NULL
    WHERE tenant_id = NEW.tenant_id AND consultation_id = NEW.consultation_id AND summary IS NOT NULL;
    RETURN NULL;
END
$$;

-- Also when another run takes over from one whose worker died.
CREATE TRIGGER remove_live_summaries AFTER UPDATE OF state, lease_token ON jobs
    FOR EACH ROW WHEN (
        OLD.state = 'active' AND OLD.lease_token IS DISTINCT FROM NEW.lease_token AND NEW.consultation_id IS NOT NULL
    )
    EXECUTE FUNCTION remove_live_summaries();
