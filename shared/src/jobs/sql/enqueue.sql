WITH job AS (
    INSERT INTO jobs (tenant_id, id, user_id, locale, kind, payload, consultation_id, dedupe_key,
                      traceparent)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10)
    ON CONFLICT (tenant_id, kind, dedupe_key) WHERE state IN ('queued', 'active', 'deferred')
        DO NOTHING
    RETURNING id
), outbox_row AS (
    INSERT INTO outbox (tenant_id, job_id, due_at)
    SELECT $1, id, now() + make_interval(secs => $9)
    FROM job
)
SELECT id
FROM job
