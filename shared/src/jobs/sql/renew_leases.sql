WITH renewed AS MATERIALIZED (
    -- Locked in the order of claims, which would wait for each other for ever otherwise.
    SELECT j.tenant_id, j.id, renewal.progress, renewal.step
    FROM unnest($1::text[], $2::uuid[], $3::uuid[], $4::int2[], $5::text[])
         AS renewal (tenant_id, id, token, progress, step)
    JOIN jobs j
      ON (j.tenant_id, j.id, j.lease_token) = (renewal.tenant_id, renewal.id, renewal.token)
    ORDER BY j.tenant_id, j.id
    FOR UPDATE OF j
)
UPDATE jobs
SET lease_expires_at = now() + make_interval(secs => $6),
    progress = renewed.progress,
    step = renewed.step
FROM renewed
WHERE (jobs.tenant_id, jobs.id) = (renewed.tenant_id, renewed.id)
RETURNING jobs.lease_token AS token,
          jobs.cancel_requested_at IS NOT NULL AS is_cancel_requested
