-- Takes up to $1 rows, at most 100, that are due, from the tenants behind $2 in turn. It looks at
-- no more than $3 tenants, each by one look into the index, however many rows they have.
WITH RECURSIVE tenant AS (
    -- The next tenant, its oldest row, and how many tenants with due rows have been found so far.
    (
        SELECT tenant_id, due_at <= now() AS is_due, 1 AS looks, (due_at <= now())::int AS found
        FROM outbox
        WHERE tenant_id > $2
        ORDER BY tenant_id, due_at
        LIMIT 1
    )
    UNION ALL
    SELECT next.tenant_id, next.due_at <= now(), looks + 1, found + (next.due_at <= now())::int
    FROM tenant
    CROSS JOIN LATERAL (
        SELECT tenant_id, due_at
        FROM outbox
        WHERE outbox.tenant_id > tenant.tenant_id
        ORDER BY tenant_id, due_at
        LIMIT 1
    ) next
    WHERE looks < $3 AND found < $1
), round AS MATERIALIZED (
    -- Unless one of the bounds has stopped the looks, there is no further tenant.
    SELECT max(found) AS tenants,
           CASE WHEN max(looks) >= $3 OR max(found) >= $1 THEN max(tenant_id) END AS last_tenant
    FROM tenant
), taken AS MATERIALIZED (
    -- From each the same number: a tenant with a thousand rows does not hold up one with one row.
    -- The inner limit is for the planner, which for the outer one would expect a tenth of a
    -- tenant's rows, and might read and sort all of them.
    SELECT oldest.*
    FROM tenant
    CROSS JOIN LATERAL (
        SELECT *
        FROM (
            SELECT tenant_id, job_id, sends
            FROM outbox
            WHERE outbox.tenant_id = tenant.tenant_id AND due_at <= now()
            ORDER BY due_at
            LIMIT 100
            FOR UPDATE SKIP LOCKED
        ) due
        LIMIT (SELECT $1 / tenants FROM round)
    ) oldest
    WHERE tenant.is_due
), transition AS MATERIALIZED (
    -- When the job's message is to come by itself; unknown if it has neither lease nor backoff. A
    -- job may also have ended without removing its row, which no statement here does.
    SELECT taken.tenant_id, taken.job_id AS id, taken.sends, job.kind, job.state,
           job.traceparent, CASE
        WHEN job.state = 'deferred' THEN job.not_before
        ELSE greatest(job.lease_expires_at, job.not_before) + interval '15 seconds'
        END AS expected_at
    FROM taken
    CROSS JOIN LATERAL (
        SELECT kind, state, lease_expires_at, not_before, traceparent
        FROM jobs
        WHERE (jobs.tenant_id, jobs.id) = (taken.tenant_id, taken.job_id)
        LIMIT 1
    ) job
), rescheduled AS (
    UPDATE outbox
    SET due_at = CASE
            WHEN expected_at > now() THEN expected_at
            ELSE now() + interval '1 minute' * 2 ^ least(transition.sends, 10) END,
        sends = CASE
            WHEN expected_at > now() THEN transition.sends
            ELSE least(transition.sends + 1, 1000) END
    FROM transition
    WHERE (outbox.tenant_id, outbox.job_id) = (transition.tenant_id, transition.id)
      AND transition.state IN ('queued', 'active', 'deferred')
    RETURNING outbox.tenant_id, outbox.job_id, transition.kind, transition.traceparent,
              coalesce(expected_at <= now(), true) AS is_missing
)
