-- $1 owners, $2 words and $3 pairs, any of which may be found, $4 language or NULL, $5 limit, $6 the same words and $7 pairs
-- as texts
WITH question AS (
    SELECT to_tsquery('english', $2) || to_tsquery('simple', $3) AS terms,
           tsvector_to_array(to_tsvector('english', $6) || to_tsvector('simple', $7)) AS lexemes
),
-- How often a word stands in a passage says little, and how many of the question's words do says much. But only those that
-- stand there often are worth looking at closely, of many.
candidate AS (
    SELECT p.tenant_id, p.document_id, p.position, q.lexemes,
           ts_rank('{0.1, 0.2, 0.4, 1.0}', p.terms, q.terms) AS rank
    FROM question q
    JOIN passages p ON p.terms @@ q.terms
    JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id
    WHERE p.tenant_id = ANY($1) AND ($4::text IS NULL OR d.language = $4)
    ORDER BY rank DESC
    LIMIT 200
)
SELECT d.id AS document_id, d.title, d.language, d.source_title, d.source_url,
       p.position, p.heading, p.content, p.start_char, p.end_char,
       (matched.weight + c.rank)::real AS score
FROM candidate c
JOIN passages p USING (tenant_id, document_id, position)
JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id
CROSS JOIN LATERAL (
    -- A word of the title or of what patients call it (weight A) counts three times.
    SELECT sum(CASE WHEN 'A' = ANY(t.weights) THEN 3 ELSE 1 END) AS weight
    FROM unnest(p.terms) t
    WHERE t.lexeme = ANY(c.lexemes)
) matched
ORDER BY score DESC, d.id, p.position
LIMIT $5
