-- Queues up to $3 failed jobs of the tenant $1 again, the oldest first. To count what remains, it
-- looks at $4 more of them. The condition on the kind, $2, chooses the index.
WITH looked_at AS MATERIALIZED (
    SELECT j.id,
           -- Of jobs with one key only the latest counts.
           (
               SELECT true
               FROM jobs later
               WHERE (later.tenant_id, later.kind, later.dedupe_key)
                   = (j.tenant_id, j.kind, j.dedupe_key)
                 AND later.id > j.id
               LIMIT 1
           ) IS NOT NULL AS is_superseded,
           (
               SELECT true
               FROM jobs unfinished
               WHERE (unfinished.tenant_id, unfinished.kind, unfinished.dedupe_key)
                   = (j.tenant_id, j.kind, j.dedupe_key)
                 AND unfinished.state IN ('queued', 'active', 'deferred')
               LIMIT 1
           ) IS NOT NULL AS is_under_way
    FROM jobs j
    WHERE j.tenant_id = $1
      AND j.state = 'failed'
      AND j.superseded_at IS NULL
