-- Uploads that were not finished within a day, or were rejected a week ago, up to $1
WITH pruned AS (
    DELETE FROM uploads
    WHERE (tenant_id, id) IN (
        SELECT tenant_id, id FROM uploads
        WHERE state <> 'ready'
          AND created_at < now() - CASE WHEN state = 'rejected' THEN interval '7 days' ELSE interval '1 day' END
        ORDER BY created_at
        LIMIT $1
    )
    RETURNING tenant_id, id, file_name
),
noted AS (
    INSERT INTO removed_objects (was_served, object_key)
    SELECT false, unnest(ARRAY['incoming/' || tenant_id || '/' || id, 'uploads/' || tenant_id || '/' || id || '/' || file_name])
    FROM pruned
)
SELECT count(*) FROM pruned
