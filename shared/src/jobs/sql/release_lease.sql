WITH released AS MATERIALIZED (
    SELECT tenant_id, id, attempts - $6 AS attempts, CASE
        WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN $5 OR attempts - $6 >= $7 THEN 'failed'
        ELSE 'queued'
        END AS state
    FROM jobs
    WHERE tenant_id = $1 AND id = $2 AND lease_token = $3
    FOR UPDATE
), transition AS (
    UPDATE jobs
    SET state = released.state,
        attempts = released.attempts,
        last_error = $4,
        step = NULL,
        deferred_since = NULL,
        finished_at = CASE WHEN released.state <> 'queued' THEN now() END,
        -- Its kind has found that something later does its work: no redrive brings it back.
        superseded_at = CASE WHEN released.state = 'failed' AND $4 = 'superseded' THEN now() END,
        not_before = now() + make_interval(secs => $8),
        lease_token = NULL,
        lease_expires_at = NULL
    FROM released
    WHERE (jobs.tenant_id, jobs.id) = (released.tenant_id, released.id)
    RETURNING jobs.tenant_id, jobs.id, jobs.state
)
