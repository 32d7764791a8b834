-- The next document whose copy is outdated and which no other run copies, for $1 seconds. That of the owner $2 and the
-- document $3 alone, if they are given. What failed before comes last.
UPDATE outdated_copies o
SET leased_until = now() + make_interval(secs => $1)
FROM (
    SELECT tenant_id, document_id
    FROM outdated_copies
    WHERE (leased_until IS NULL OR leased_until < now())
      AND ($2::text IS NULL OR (tenant_id = $2 AND document_id = $3))
    ORDER BY leased_until NULLS FIRST, tenant_id, document_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
) next
WHERE o.tenant_id = next.tenant_id AND o.document_id = next.document_id
RETURNING o.tenant_id, o.document_id, o.changes
