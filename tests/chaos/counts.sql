SELECT count(*) AS accepted,
       count(*) FILTER (WHERE j.state IN ('completed', 'failed', 'cancelled')) AS ended,
       count(*) FILTER (WHERE j.state = 'completed' AND c.assessment IS NOT NULL) AS completed,
       count(*) FILTER (WHERE j.state = 'failed' AND c.assessment IS NULL) AS failed,
       count(*) FILTER (WHERE (c.assessment->>'degraded')::bool) AS degraded,
       coalesce(max(j.attempts), 0)::int2 AS most_attempts,
       coalesce(sum(greatest(j.runs - 1, 0)), 0)::int8 AS reruns,
       coalesce(max(j.runs), 0) AS most_runs,
       (SELECT count(*) FROM chaos_written w WHERE w.tenant_id = ANY ($1)) AS written
FROM consultations c
JOIN jobs j ON (j.tenant_id, j.id) = (c.tenant_id, c.job_id)
WHERE c.tenant_id = ANY ($1)
