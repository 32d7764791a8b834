SELECT id, kind, state, consultation_id, locale, progress, step, attempts, last_error,
       cancel_requested_at IS NOT NULL AS cancel_requested,
       not_before, created_at, started_at, finished_at
FROM jobs
WHERE tenant_id = $1 AND id = $2 AND ($3::text IS NULL OR user_id = $3)
