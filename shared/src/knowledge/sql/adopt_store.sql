-- The collection $1 holds the copy from now on, if the index is of the model $2 with $3 dimensions: nothing of it is right
-- yet. Whoever writes vectors was waited for, and waits: FOR UPDATE against their FOR KEY SHARE.
WITH adopted AS (
    UPDATE embedding_index SET store = $1
    WHERE model = $2 AND dimensions = $3
    RETURNING store
)
INSERT INTO outdated_copies (tenant_id, document_id)
SELECT d.tenant_id, d.id
FROM documents d
WHERE EXISTS (SELECT FROM adopted)
  AND EXISTS (
      SELECT FROM passages p
      WHERE p.tenant_id = d.tenant_id AND p.document_id = d.id AND p.embedding IS NOT NULL
  )
ON CONFLICT (tenant_id, document_id)
DO UPDATE SET change = nextval('outdated_copies_change'), lease = NULL, leased_until = NULL
