-- The passages of the document that answers best, in their order. A document is as good as its best passage.
-- $1 owners, $2 words and $3 pairs, $4 language, $5 the least score
WITH best AS (
    SELECT p.tenant_id, p.document_id
    FROM (SELECT to_tsquery('english', $2) || to_tsquery('simple', $3) AS terms) q
    JOIN passages p ON p.terms @@ q.terms
    JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id
    WHERE p.tenant_id = ANY($1) AND d.language = $4
      AND ts_rank('{0.1, 0.2, 0.4, 1.0}', p.terms, q.terms) >= $5
    ORDER BY ts_rank('{0.1, 0.2, 0.4, 1.0}', p.terms, q.terms) DESC, p.document_id
    LIMIT 1
)
SELECT d.title, d.source_title, d.source_url, p.heading, p.content
FROM best
JOIN documents d ON d.tenant_id = best.tenant_id AND d.id = best.document_id
JOIN passages p ON p.tenant_id = d.tenant_id AND p.document_id = d.id
ORDER BY p.position
