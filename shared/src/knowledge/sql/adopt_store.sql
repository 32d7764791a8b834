-- The collection $1 holds the copy from now on: nothing of it is right yet. Other models' indexes are left alone ($2, $3).
-- Whoever writes vectors waits, or was waited for: FOR UPDATE against their FOR KEY SHARE.
WITH adopted AS (
    UPDATE embedding_index SET store = $1
    WHERE model = $2 AND dimensions = $3 AND store IS DISTINCT FROM $1
    RETURNING store
)
INSERT INTO outdated_copies (tenant_id, document_id)
SELECT DISTINCT tenant_id, document_id FROM passages
WHERE embedding IS NOT NULL AND EXISTS (SELECT FROM adopted)
ON CONFLICT (tenant_id, document_id) DO UPDATE SET changes = outdated_copies.changes + 1
