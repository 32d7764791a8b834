-- Queues up to $3 failed jobs of the tenant $1 again, at most 1,000, the oldest first. To count
-- what remains, it looks at $4 more of them, at most 1,000. The condition on the kind, $2, chooses
-- the index. The inner limit is for the planner, which for the outer one would expect a tenth of
-- the failed jobs, and might look at all of them.
WITH looked_at AS MATERIALIZED (
    SELECT j.id,
           -- Of jobs with one key only the latest counts.
           (
               SELECT true
               FROM jobs later
               WHERE (later.tenant_id, later.kind, later.dedupe_key)
                   = ($1, j.kind, j.dedupe_key)
                 AND later.id > j.id
               LIMIT 1
           ) IS NOT NULL AS is_superseded,
           (
               SELECT true
               FROM jobs unfinished
               WHERE (unfinished.tenant_id, unfinished.kind, unfinished.dedupe_key)
                   = ($1, j.kind, j.dedupe_key)
                 AND unfinished.state IN ('queued', 'active', 'deferred')
               LIMIT 1
           ) IS NOT NULL AS is_under_way
    FROM (
        SELECT id, kind, dedupe_key
        FROM jobs
        WHERE tenant_id = $1 AND state = 'failed' AND superseded_at IS NULL
