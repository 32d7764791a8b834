-- Each summary holds all that there was of the text: only the last one of the page still needs it.
--
-- $1 tenant, $2 consultation, $3 the last event that the reader has, $4 how many at most
WITH page AS (
    SELECT id, kind, is_summary, job_id, job_kind, progress, step, reason, urgency, summary, created_at
    FROM consultation_events
    WHERE tenant_id = $1 AND consultation_id = $2 AND id > $3
    ORDER BY id
    LIMIT $4
)
SELECT id, kind, is_summary, job_id, job_kind, progress, step, reason, urgency, created_at,
       CASE WHEN id = max(id) FILTER (WHERE is_summary) OVER () THEN summary END AS summary
FROM page
ORDER BY id
