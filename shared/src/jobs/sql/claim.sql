WITH request AS (
    SELECT *
    FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::boolean[])
         AS request (tenant_id, id, token, run_isolated)
), job AS MATERIALIZED (
    -- Locked in one order: of two claims at once, the later one sees what the earlier one wrote,
    -- and batches that overlap cannot block each other for ever.
    SELECT j.tenant_id, j.id, j.state, j.kind, j.payload, j.consultation_id, j.attempts, j.runs,
           j.lease_token, j.lease_expires_at, j.not_before,
           j.cancel_requested_at, j.ran_alone, j.unknown_since,
           request.token, request.run_isolated
    FROM jobs j
    JOIN request USING (tenant_id, id)
    ORDER BY j.tenant_id, j.id
    FOR UPDATE OF j
), decision AS (
    -- A job that is still active when its lease is over has lost its worker. A job that kills its
    -- worker takes the rest of the batch along. So a last attempt that ended like this beside
    -- others is no attempt, and a job that is down to its last attempt runs isolated.
    SELECT *, CASE
        WHEN lease_token = token
            THEN 'granted_before'
        WHEN state = 'failed'
            THEN 'already_failed'
        WHEN state IN ('completed', 'cancelled')
            THEN 'already_ended'
        WHEN lease_expires_at >= now()
            THEN 'leased_elsewhere'
        WHEN cancel_requested_at IS NOT NULL
            THEN 'cancelled'
        WHEN attempts >= $6 AND (state <> 'active' OR ran_alone)
            THEN 'attempts_exhausted'
        WHEN not_before > now()
            THEN 'not_due'
        WHEN kind <> ALL ($7) AND unknown_since < now() - make_interval(secs => $8)
            THEN 'unsupported_kind'
        WHEN kind <> ALL ($7)
            THEN 'unknown_kind'
        WHEN state = 'active' AND attempts >= $6 - 1 AND NOT run_isolated
            THEN 'needs_isolation'
        ELSE 'granted'
        END AS verdict
    FROM job
), transition AS (
    UPDATE jobs
    SET state = CASE verdict
            WHEN 'granted' THEN 'active'
            WHEN 'cancelled' THEN 'cancelled'
            ELSE 'failed' END,
        attempts = CASE
            WHEN verdict = 'granted' THEN least(jobs.attempts + 1, $6)
            ELSE jobs.attempts END,
        runs = jobs.runs + (verdict = 'granted')::int,
        ran_alone = decision.run_isolated,
        unknown_since = NULL,
        started_at = CASE
            WHEN verdict = 'granted' THEN coalesce(jobs.started_at, now())
            ELSE jobs.started_at END,
        finished_at = CASE WHEN verdict <> 'granted' THEN now() END,
        -- These two verdicts are reason codes.
        last_error = CASE
            WHEN verdict IN ('attempts_exhausted', 'unsupported_kind') THEN verdict
            ELSE jobs.last_error END,
        step = CASE WHEN verdict = 'granted' THEN 'started' END,
        progress = CASE WHEN verdict = 'granted' THEN 5 ELSE jobs.progress END,
        not_before = NULL,
        lease_token = CASE WHEN verdict = 'granted' THEN decision.token END,
        lease_expires_at = CASE WHEN verdict = 'granted' THEN now() + make_interval(secs => $5) END
    FROM decision
    WHERE (jobs.tenant_id, jobs.id) = (decision.tenant_id, decision.id)
      AND verdict IN ('granted', 'cancelled', 'attempts_exhausted', 'unsupported_kind')
    RETURNING jobs.tenant_id, jobs.id, jobs.state
), first_seen_unknown AS (
    UPDATE jobs
    SET unknown_since = now()
    FROM decision
    WHERE (jobs.tenant_id, jobs.id) = (decision.tenant_id, decision.id)
      AND verdict = 'unknown_kind'
      AND jobs.unknown_since IS NULL
), answer AS (
    SELECT token, verdict, id AS job_id, kind, payload, consultation_id,
           (CASE WHEN verdict = 'granted' THEN least(attempts + 1, $6) ELSE attempts END)::int2
               AS attempt,
           runs + (verdict = 'granted')::int AS run,
           greatest(extract(epoch FROM greatest(lease_expires_at, not_before) - now()), 0)::float8
               AS wait_seconds
    FROM decision
)
