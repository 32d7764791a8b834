-- What waits and what has failed. The outbox has a row for each job that is not ended.
-- The age is of those that wait for a worker, and not of those that are put off or shall begin later.
SELECT coalesce(extract(epoch FROM now() - min(o.created_at) FILTER (
           WHERE j.deferred_since IS NULL AND NOT (o.sends = 0 AND j.burials = 0 AND o.due_at > now())
       )), 0)::int8 AS oldest_age_seconds,
       count(*) AS unfinished,
       (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'failed' AND superseded_at IS NULL LIMIT 1000) AS bounded) AS failed,
       (SELECT count(*) FROM (SELECT FROM quarantine LIMIT 1000) AS bounded) AS in_quarantine
FROM outbox o JOIN jobs j ON (j.tenant_id, j.id) = (o.tenant_id, o.job_id)
