-- The passages of one document that the tenant reads, in their order. $1 owners, $2 document
SELECT d.id AS document_id, d.title, d.source_title, d.source_url, p.heading, p.content
FROM documents d
JOIN passages p ON p.tenant_id = d.tenant_id AND p.document_id = d.id
WHERE d.tenant_id = ANY($1) AND d.id = $2
ORDER BY p.position
