-- Uploads that were not finished within a day, a scanner's within a week, and those that were rejected a week ago, up to $1
WITH pruned AS (
    DELETE FROM uploads
    WHERE (tenant_id, id) IN (
        SELECT tenant_id, id FROM uploads
        WHERE state <> 'ready'
          AND created_at < now() - CASE WHEN state = 'pending' THEN interval '1 day' ELSE interval '7 days' END
        ORDER BY created_at
        LIMIT $1
    ) AND state <> 'ready'
    RETURNING tenant_id, id, state
),
noted AS (
    -- What a rejected one had is gone.
    INSERT INTO removed_uploads (tenant_id, upload_id)
    SELECT tenant_id, id FROM pruned WHERE state <> 'rejected'
)
SELECT count(*) FROM pruned
