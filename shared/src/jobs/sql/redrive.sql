WITH eligible AS MATERIALIZED (
    -- Of jobs with one key only the latest counts, and none while another one is unfinished.
    SELECT id
    FROM jobs j
    WHERE tenant_id = $1
      AND state = 'failed'
      AND ($2::text IS NULL OR kind = $2)
      AND (dedupe_key IS NULL OR NOT EXISTS (
          SELECT 1
          FROM jobs other
          WHERE (other.tenant_id, other.kind, other.dedupe_key)
              = (j.tenant_id, j.kind, j.dedupe_key)
            AND (other.id > j.id OR other.state IN ('queued', 'active', 'deferred'))
      ))
), failed AS MATERIALIZED (
    SELECT jobs.id
    FROM jobs
    JOIN eligible USING (id)
    WHERE jobs.tenant_id = $1 AND jobs.state = 'failed'
    ORDER BY jobs.id
    LIMIT $3
    FOR UPDATE OF jobs SKIP LOCKED
), redriven AS (
    UPDATE jobs
    SET state = 'queued',
        attempts = 0,
        burials = 0,
        buried_at = NULL,
        ran_alone = false,
        not_before = NULL,
        progress = 0,
        step = NULL,
        last_error = NULL,
        started_at = NULL,
        finished_at = NULL,
        unknown_since = NULL,
        cancel_requested_at = NULL,
        deferred_since = NULL
    FROM failed
    WHERE jobs.tenant_id = $1 AND jobs.id = failed.id
    RETURNING jobs.tenant_id, jobs.id, jobs.kind
), scheduled AS (
    -- The request that redrives the jobs sends them, too; many of them take a while.
    INSERT INTO outbox (tenant_id, job_id, due_at)
    SELECT tenant_id, id, now() + interval '1 minute'
    FROM redriven
    ON CONFLICT (tenant_id, job_id) DO UPDATE
        SET due_at = excluded.due_at, sends = 0
)
-- One row in any case, so that `remaining` is known also when nothing was redriven.
SELECT redriven.id, redriven.kind,
       (SELECT count(*) FROM eligible) - (SELECT count(*) FROM redriven) AS remaining
FROM (SELECT 1) one
LEFT JOIN redriven ON true
