-- Appends what there is of a summary, if the run still has its lease, and if nothing has raised the consultation's urgency above the
-- model's meanwhile. A run that ends at the same time is waited for, and so are answers: nothing comes behind them that they rule out.
--
-- $1 tenant, $2 job, $3 the lease's token, $4 the text, $5 the urgency that the model has named, NULL for what is taken back
-- $6 all urgencies, the least one first
WITH run AS MATERIALIZED (
    SELECT jobs.tenant_id, consultation_id, jobs.id, kind
    FROM consultations
    JOIN jobs ON (jobs.tenant_id, jobs.consultation_id) = (consultations.tenant_id, consultations.id)
    WHERE jobs.tenant_id = $1 AND jobs.id = $2 AND lease_token = $3 AND state = 'active'
      AND ($5 IS NULL OR array_position($6, urgency) <= array_position($6, $5))
    FOR SHARE OF jobs, consultations
), stream AS (
    UPDATE event_streams
    SET last_id = last_id + 1
    FROM run
    WHERE (event_streams.tenant_id, event_streams.consultation_id) = (run.tenant_id, run.consultation_id)
    RETURNING event_streams.tenant_id, event_streams.consultation_id, last_id
)
INSERT INTO consultation_events (tenant_id, consultation_id, id, kind, is_summary, job_id, job_kind, summary)
SELECT stream.tenant_id, stream.consultation_id, last_id, 'progress', true, run.id, run.kind, $4
FROM stream, run
