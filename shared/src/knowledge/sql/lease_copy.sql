-- The next document whose copy is outdated and which no other run copies, leased as $1 for $2 seconds while the collection $3
-- holds the copy. That of the owner $4 and the document $5 alone, if they are given. What failed before comes last.
UPDATE outdated_copies o
SET lease = $1, leased_until = now() + make_interval(secs => $2)
FROM (
    SELECT tenant_id, document_id
    FROM outdated_copies
    WHERE (leased_until IS NULL OR leased_until < now())
      AND ($4::text IS NULL OR (tenant_id = $4 AND document_id = $5))
    ORDER BY leased_until NULLS FIRST, tenant_id, document_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
) next
WHERE o.tenant_id = next.tenant_id AND o.document_id = next.document_id
  AND EXISTS (SELECT FROM embedding_index WHERE store = $3)
RETURNING o.tenant_id, o.document_id, o.change, o.lease
