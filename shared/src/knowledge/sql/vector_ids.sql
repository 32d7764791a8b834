-- The vectors that the copy of a document must hold: $1 owner, $2 document
SELECT p.position, vector_digest(p.embedding, d.language) AS digest
FROM passages p
JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id
WHERE p.tenant_id = $1 AND p.document_id = $2 AND p.embedding IS NOT NULL
ORDER BY p.position
