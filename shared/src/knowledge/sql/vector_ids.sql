-- The vectors that the copy of a document must hold: $1 owner, $2 document
SELECT position, md5(embedding::text) AS digest
FROM passages
WHERE tenant_id = $1 AND document_id = $2 AND embedding IS NOT NULL
ORDER BY position
