-- $1 tenant, $2 consultation, $3 the last event that the reader has, $4 how many at most
SELECT id, kind, job_id, job_kind, progress, step, reason, urgency, created_at
FROM consultation_events
WHERE tenant_id = $1 AND consultation_id = $2 AND id > $3
ORDER BY id
LIMIT $4
