-- $1 owners, $2 words and $3 pairs, any of which may be found, $4 language or NULL, $5 limit
SELECT d.id AS document_id, d.title, d.language, d.source_title, d.source_url,
       p.position, p.heading, p.content, p.start_char, p.end_char,
       ts_rank('{0.1, 0.2, 0.4, 1.0}', p.terms, q.terms) AS score
FROM (SELECT to_tsquery('english', $2) || to_tsquery('simple', $3) AS terms) q
JOIN passages p ON p.terms @@ q.terms
JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id
WHERE p.tenant_id = ANY($1) AND ($4::text IS NULL OR d.language = $4)
ORDER BY score DESC, d.id, p.position
LIMIT $5
