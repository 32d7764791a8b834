
        ORDER BY id
        LIMIT 2001
    ) j
    LIMIT $3 + $4 + 1
), superseded AS (
    -- A later redrive need not look at it again.
    UPDATE jobs
    SET superseded_at = now()
    WHERE tenant_id = $1
      AND id = ANY (ARRAY (
          SELECT id
          FROM jobs
          WHERE tenant_id = $1
            AND id = ANY (ARRAY (SELECT id FROM looked_at WHERE is_superseded))
            AND state = 'failed'
          FOR UPDATE SKIP LOCKED
      ))
), failed AS MATERIALIZED (
    SELECT id
    FROM jobs
    WHERE tenant_id = $1
      AND id = ANY (ARRAY (
          SELECT id
          FROM looked_at
          WHERE NOT is_superseded AND NOT is_under_way
      ))
      AND state = 'failed'
    ORDER BY id
    LIMIT $3
    FOR UPDATE SKIP LOCKED
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
    WHERE tenant_id = $1 AND id = ANY (ARRAY (SELECT id FROM failed))
    RETURNING tenant_id, id, kind, traceparent
), scheduled AS (
    -- The request that redrives the jobs sends them, too; many of them take a while.
    INSERT INTO outbox (tenant_id, job_id, due_at)
    SELECT tenant_id, id, now() + interval '1 minute'
    FROM redriven
    ON CONFLICT (tenant_id, job_id) DO UPDATE
        SET due_at = excluded.due_at, sends = 0
), counts AS (
    SELECT count(*) FILTER (WHERE NOT is_superseded AND NOT is_under_way) AS redrivable,
           count(*) FILTER (WHERE is_superseded) AS superseded,
           (count(*) > $3 + $4)::int AS not_looked_at
    FROM looked_at
)
-- One row in any case, so that `remaining` is known also when nothing was redriven.
SELECT redriven.id, redriven.kind, redriven.traceparent,
       least(redrivable + not_looked_at - (SELECT count(*) FROM redriven), $4) AS remaining,
       -- What was put aside may have hidden others, which the next statement looks at.
       superseded > 0 AND not_looked_at > 0 AS may_hide_others
FROM counts
LEFT JOIN redriven ON true
