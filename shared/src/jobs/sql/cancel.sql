WITH job AS MATERIALIZED (
    SELECT tenant_id, id, state, coalesce(lease_expires_at >= now(), false) AS is_leased
    FROM jobs
    WHERE tenant_id = $1 AND id = $2 AND ($3::text IS NULL OR user_id = $3)
    FOR UPDATE
), transition AS (
    -- A leased job stays active: its run learns of the request from its next heartbeat.
    UPDATE jobs
    SET cancel_requested_at = coalesce(jobs.cancel_requested_at, now()),
        state = CASE WHEN is_leased THEN jobs.state ELSE 'cancelled' END,
        step = CASE WHEN is_leased THEN jobs.step END,
        finished_at = CASE WHEN NOT is_leased THEN now() END,
        lease_token = CASE WHEN is_leased THEN jobs.lease_token END,
        lease_expires_at = CASE WHEN is_leased THEN jobs.lease_expires_at END
    FROM job
    WHERE (jobs.tenant_id, jobs.id) = (job.tenant_id, job.id)
      AND job.state IN ('queued', 'active', 'deferred')
    RETURNING jobs.tenant_id, jobs.id, jobs.state
)
