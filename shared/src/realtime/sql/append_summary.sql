-- Appends what there is of a summary, if the run still has its lease. A run that ends at the same time is waited for, so that nothing
-- comes behind its end.
--
-- $1 tenant, $2 job, $3 the lease's token, $4 the text
WITH run AS MATERIALIZED (
    SELECT tenant_id, consultation_id, id, kind
    FROM jobs
    WHERE tenant_id = $1 AND id = $2 AND lease_token = $3 AND state = 'active'
    FOR SHARE
), stream AS (
    UPDATE event_streams
    SET last_id = last_id + 1
    FROM run
    WHERE (event_streams.tenant_id, event_streams.consultation_id) = (run.tenant_id, run.consultation_id)
    RETURNING event_streams.tenant_id, event_streams.consultation_id, last_id
)
INSERT INTO consultation_events (tenant_id, consultation_id, id, kind, job_id, job_kind, summary)
SELECT stream.tenant_id, stream.consultation_id, last_id, 'summary', run.id, run.kind, $4
FROM stream, run
