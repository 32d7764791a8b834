-- The uploads of a batch that is due and was begun before, or of a new one called $1 with up to $2 uploads
WITH begun AS (
    SELECT batch FROM removed_uploads
    WHERE batch IS NOT NULL AND due_at <= now()
    ORDER BY due_at
    LIMIT 1
),
next AS (
    SELECT id FROM removed_uploads
    WHERE NOT EXISTS (SELECT FROM begun) AND batch IS NULL AND due_at <= now()
    ORDER BY due_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
),
taken AS (
    UPDATE removed_uploads r SET batch = $1
    FROM next
    WHERE r.id = next.id AND r.batch IS NULL
    RETURNING r.id, r.batch, r.tenant_id, r.upload_id, r.served_object
)
SELECT id, batch, tenant_id, upload_id, served_object FROM taken
UNION ALL
SELECT r.id, r.batch, r.tenant_id, r.upload_id, r.served_object FROM removed_uploads r JOIN begun USING (batch)
