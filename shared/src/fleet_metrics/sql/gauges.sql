-- Values of now for the fleet's metrics: the metric, its label's value, the value. The outbox has a
-- row for each job that is not ended, so no statement reads ended jobs but failed ones.
SELECT 'db_connections' AS metric, coalesce(state, 'background') AS label, count(*)::float8 AS value
FROM pg_stat_activity
WHERE datname = current_database()
GROUP BY state

UNION ALL
SELECT 'db_connections_max', '', current_setting('max_connections')::float8

UNION ALL
SELECT 'db_size_bytes', '', pg_database_size(current_database())::float8

UNION ALL
SELECT 'jobs_unfinished', j.state, count(*)::float8
FROM outbox o JOIN jobs j ON (j.tenant_id, j.id) = (o.tenant_id, o.job_id)
GROUP BY j.state

UNION ALL
-- As the age of the queue's oldest message: the message of a job that is put off is deleted, and a job that shall begin later is as old as if
-- it had been created then.
SELECT 'jobs_oldest_age_seconds', '', greatest(extract(epoch FROM now() - min(o.created_at)), 0)::float8
FROM outbox o JOIN jobs j ON (j.tenant_id, j.id) = (o.tenant_id, o.job_id)
WHERE j.deferred_since IS NULL

UNION ALL
SELECT 'outbox_due', '', count(*)::float8
FROM outbox
WHERE due_at <= now()

UNION ALL
SELECT 'jobs_failed', kind, count(*)::float8
FROM jobs
WHERE state = 'failed' AND superseded_at IS NULL
GROUP BY kind

UNION ALL
SELECT 'job_messages_in_quarantine', '', count(*)::float8
FROM quarantine
