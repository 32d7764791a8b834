
-- One look for each consultation, however many the planner expects.
CROSS JOIN LATERAL (
    SELECT state, last_error, finished_at
    FROM jobs
    WHERE (jobs.tenant_id, jobs.id) = (c.tenant_id, c.job_id)
    LIMIT 1
) j
