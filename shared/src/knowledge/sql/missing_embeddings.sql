-- Passages that have no vector, by their keys, from behind $1 owner, $2 document, $3 position. $4 limit; those of one
-- document alone if $5 owner and $6 document are given
SELECT p.tenant_id, p.document_id, p.position, p.content, d.title, p.heading
FROM passages p
JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id
WHERE p.embedding IS NULL AND (p.tenant_id, p.document_id, p.position) > ($1, $2, $3)
  AND ($5::text IS NULL OR (p.tenant_id = $5 AND p.document_id = $6))
ORDER BY p.tenant_id, p.document_id, p.position
LIMIT $4
