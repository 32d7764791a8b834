WITH RECURSIVE tenant AS (
    -- The tenants that have due rows: one look into the index for each, however many rows it has.
    (
        SELECT tenant_id
        FROM outbox
        WHERE due_at <= now()
        ORDER BY tenant_id
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT o.tenant_id
        FROM outbox o
        WHERE o.tenant_id > tenant.tenant_id AND o.due_at <= now()
        ORDER BY o.tenant_id
        LIMIT 1
    )
    FROM tenant
    WHERE tenant.tenant_id IS NOT NULL
), candidate AS (
    SELECT oldest.*
    FROM tenant
    CROSS JOIN LATERAL (
        SELECT tenant_id, job_id, row_number() OVER (ORDER BY due_at) AS turn
        FROM outbox
        WHERE outbox.tenant_id = tenant.tenant_id AND due_at <= now()
        ORDER BY due_at
        LIMIT $1
    ) oldest
), taken AS MATERIALIZED (
    -- The first row of every tenant, then the second: a tenant with a thousand rows does not hold
    -- up one with a single row.
    SELECT outbox.tenant_id, outbox.job_id, outbox.sends
    FROM outbox
    JOIN candidate USING (tenant_id, job_id)
    WHERE outbox.due_at <= now()
    ORDER BY candidate.turn
    LIMIT $1
    FOR UPDATE OF outbox SKIP LOCKED
), expectation AS (
    -- When the job's message is to come by itself; unknown if it has neither lease nor backoff.
    SELECT taken.*, j.kind, CASE
        WHEN j.state = 'deferred' THEN j.not_before
        ELSE greatest(j.lease_expires_at, j.not_before) + interval '15 seconds'
        END AS expected_at
    FROM taken
    JOIN jobs j ON (j.tenant_id, j.id) = (taken.tenant_id, taken.job_id)
)
UPDATE outbox
SET due_at = CASE
        WHEN expected_at > now() THEN expected_at
        ELSE now() + interval '1 minute' * 2 ^ least(expectation.sends, 10) END,
    sends = CASE
        WHEN expected_at > now() THEN expectation.sends
        ELSE least(expectation.sends + 1, 1000) END
FROM expectation
WHERE (outbox.tenant_id, outbox.job_id) = (expectation.tenant_id, expectation.job_id)
RETURNING outbox.tenant_id, outbox.job_id, expectation.kind,
          coalesce(expected_at <= now(), true) AS is_missing
