DELETE FROM jobs
WHERE ctid = ANY (ARRAY (
    SELECT ctid
    FROM jobs
    WHERE consultation_id IS NULL AND state IN ('completed', 'cancelled')
      AND finished_at < now() - interval '30 days'
    ORDER BY finished_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
))
