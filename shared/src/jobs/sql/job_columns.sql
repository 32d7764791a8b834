SELECT id, kind, state, user_id, consultation_id, locale, progress, step, attempts, last_error,
       cancel_requested_at IS NOT NULL AS cancel_requested,
       not_before, created_at, started_at, finished_at
FROM jobs
