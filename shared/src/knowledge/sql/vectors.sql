-- Vectors with their digests: $1 owner, $2 document, $3 positions
SELECT p.position, vector_digest(p.embedding, d.language) AS digest, p.embedding::real[] AS numbers, d.language
FROM passages p
JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id
WHERE p.tenant_id = $1 AND p.document_id = $2 AND p.position = ANY($3) AND p.embedding IS NOT NULL
