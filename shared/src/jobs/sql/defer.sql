WITH deferred AS MATERIALIZED (
    SELECT tenant_id, id, CASE
        WHEN cancel_requested_at IS NOT NULL THEN 'cancelled'
        WHEN deferred_since < now() - make_interval(secs => $5) THEN 'failed'
        ELSE 'deferred'
        END AS state
    FROM jobs
    WHERE tenant_id = $1 AND id = $2 AND lease_token = $3
    FOR UPDATE
), transition AS (
    UPDATE jobs
    SET state = deferred.state,
        attempts = jobs.attempts - 1,
        last_error = $4,
        step = NULL,
        deferred_since = coalesce(jobs.deferred_since, now()),
        finished_at = CASE WHEN deferred.state <> 'deferred' THEN now() END,
        not_before = now() + make_interval(secs => $6),
        lease_token = NULL,
        lease_expires_at = NULL
    FROM deferred
    WHERE (jobs.tenant_id, jobs.id) = (deferred.tenant_id, deferred.id)
    RETURNING jobs.tenant_id, jobs.id, jobs.state, jobs.not_before
), rescheduled AS (
    -- The message of this delivery is deleted: the sweep sends another one.
    INSERT INTO outbox (tenant_id, job_id, due_at)
    SELECT tenant_id, id, not_before
    FROM transition
    WHERE state = 'deferred'
    ON CONFLICT (tenant_id, job_id) DO UPDATE
        SET due_at = excluded.due_at, sends = 0
)
