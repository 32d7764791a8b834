-- Writes a document under its owner's own name of it. Nothing is returned if nothing has changed.
-- $1 owner, $2 id if it is new, $3 reference, $4 language, $5 title, $6 also, $7 and $8 source, $9 content,
-- $10 the job that brings it in
INSERT INTO documents
    (tenant_id, id, reference, language, title, also, source_title, source_url, content, job_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (tenant_id, reference) DO UPDATE
SET language = excluded.language,
    title = excluded.title,
    also = excluded.also,
    source_title = excluded.source_title,
    source_url = excluded.source_url,
    content = excluded.content,
    version = documents.version + 1,
    job_id = excluded.job_id,
    updated_at = now()
WHERE (documents.language, documents.title, documents.also,
       documents.source_title, documents.source_url, documents.content)
   IS DISTINCT FROM
      (excluded.language, excluded.title, excluded.also,
       excluded.source_title, excluded.source_url, excluded.content)
RETURNING id, version
