WITH job AS MATERIALIZED (
    SELECT tenant_id, id, kind, consultation_id, attempts, CASE
        WHEN state = 'failed'
            THEN 'already_failed'
        WHEN state IN ('completed', 'cancelled')
            THEN 'already_ended'
        WHEN lease_expires_at >= now()
            THEN 'leased_elsewhere'
        WHEN cancel_requested_at IS NOT NULL
            THEN 'cancelled'
        WHEN attempts >= $3 AND (state <> 'active' OR ran_alone)
            THEN 'failed'
        WHEN buried_at > now() - make_interval(mins => $5)
            THEN 'already_resent'
        WHEN burials < $4
            THEN 'resent'
        ELSE 'failed'
        END AS verdict
    FROM jobs
    WHERE tenant_id = $1 AND id = $2
    FOR UPDATE
), resent AS (
    UPDATE jobs
    SET burials = burials + 1,
        buried_at = now(),
        last_error = 'undeliverable'
    FROM job
    WHERE (jobs.tenant_id, jobs.id) = (job.tenant_id, job.id)
      AND verdict = 'resent'
    RETURNING jobs.tenant_id, jobs.id, jobs.burials
), rescheduled AS (
    -- One minute later than the time before: what caused the outage may not be over yet.
    INSERT INTO outbox (tenant_id, job_id, due_at)
    SELECT tenant_id, id, now() + burials * interval '1 minute'
    FROM resent
    ON CONFLICT (tenant_id, job_id) DO UPDATE
        SET due_at = excluded.due_at, sends = 0
), transition AS (
    UPDATE jobs
    SET state = verdict,
        finished_at = now(),
        last_error = CASE
            WHEN job.attempts >= $3 THEN 'attempts_exhausted'
            ELSE 'undeliverable' END,
        step = NULL,
        lease_token = NULL,
        lease_expires_at = NULL
    FROM job
    WHERE (jobs.tenant_id, jobs.id) = (job.tenant_id, job.id)
      AND verdict IN ('cancelled', 'failed')
    RETURNING jobs.tenant_id, jobs.id, jobs.state
)
