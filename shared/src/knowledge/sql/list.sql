-- $1 tenant, $2 the last id of the page before, $3 limit
SELECT id, reference, language, title, source_title, source_url, version,
       CASE WHEN ingested = version THEN 'ready' ELSE 'processing' END AS status, job_id, created_at, updated_at
FROM documents
WHERE tenant_id = $1 AND id < $2
ORDER BY id DESC
LIMIT $3
