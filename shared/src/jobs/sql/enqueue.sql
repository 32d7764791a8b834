WITH job AS (
    INSERT INTO jobs (tenant_id, id, user_id, locale, kind, payload, consultation_id, dedupe_key,
                      traceparent)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10)
    ON CONFLICT (tenant_id, kind, dedupe_key) WHERE state IN ('queued', 'active', 'deferred')
        DO NOTHING
    RETURNING id
), outbox_row AS (
    -- A job that shall begin later waits from then on.
    INSERT INTO outbox (tenant_id, job_id, due_at, created_at)
    SELECT $1, id, begins_at, begins_at
    FROM job CROSS JOIN (SELECT now() + make_interval(secs => $9) AS begins_at) AS planned
)
SELECT id
FROM job
