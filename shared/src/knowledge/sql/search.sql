-- $1 owners, $2 words and $3 pairs of the question, $4 language or NULL, $5 limit, $6 the question's vector or NULL, of the
-- model $7 with dimensions $8; what the vector store has nearest to it, or NULL: of the collection $9 the documents $10,
-- positions $11 and digests $12, the nearest first
WITH lexeme AS (
    SELECT lexeme
    FROM unnest(tsvector_to_array(to_tsvector('english', $2) || to_tsvector('simple', $3))) lexeme
),
-- In which share of all passages a word stands, as ANALYZE has found it; of the most common ones.
common AS (
    SELECT common.lexeme, common.share
    FROM pg_stats, unnest(most_common_elems::text::text[], most_common_elem_freqs) AS common (lexeme, share)
    WHERE schemaname = current_schema() AND tablename = 'passages' AND attname = 'terms' AND common.lexeme IS NOT NULL
),
-- The rarer words come first: as many as twenty thousand passages have, and the two rarest in any case. Of a large knowledge
-- base, a word that half of it has would have to be looked at for each search, and tells little.
rarest AS (
    SELECT lexeme, row_number() OVER rarest_first AS place,
           sum(coalesce(share, 0)) OVER rarest_first
           * (SELECT reltuples FROM pg_class WHERE oid = 'passages'::regclass) AS passages
    FROM lexeme
    LEFT JOIN common USING (lexeme)
    WINDOW rarest_first AS (ORDER BY coalesce(share, 0), lexeme)
),
question AS MATERIALIZED (
    SELECT (
               SELECT coalesce(string_agg(quote_literal(lexeme), ' | '), '')::tsquery
               FROM rarest
               WHERE passages <= 20000 OR place <= 2
           ) AS terms,
           ARRAY (SELECT lexeme FROM lexeme) AS lexemes
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
),
by_text AS (
    SELECT c.tenant_id, c.document_id, c.position, (matched.weight + c.rank)::real AS score,
           row_number() OVER (ORDER BY matched.weight + c.rank DESC, c.document_id, c.position) AS place
    FROM candidate c
    JOIN passages p USING (tenant_id, document_id, position)
    CROSS JOIN LATERAL (
        -- A word of the title or of what patients call it (weight A) counts three times.
        SELECT sum(CASE WHEN 'A' = ANY(t.weights) THEN 3 ELSE 1 END) AS weight
        FROM unnest(p.terms) t
        WHERE t.lexeme = ANY(c.lexemes)
    ) matched
    ORDER BY place
    LIMIT 50
),
-- A tenant's few among many others' would be missed by a scan that stops early, so it goes on until it has enough, or has
-- seen a hundred thousand. The settings hold for this statement, and the scan, which needs the vector, begins after them.
probe AS MATERIALIZED (
    SELECT $6::halfvec AS embedding
    FROM set_config('hnsw.iterative_scan', 'relaxed_order', true) AS scan,
         set_config('hnsw.max_scan_tuples', '100000', true) AS bound
),
of_model AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM embedding_index WHERE model = $7 AND dimensions = $8) AS is_indexed
),
-- The store's copy is believed only while it holds all that these owners have, as the database knows it, and if it names
-- nothing but these vectors; else the database's own index is asked.
copied_neighbour AS MATERIALIZED (
    SELECT p.tenant_id, p.document_id, p.position, near.place AS distance
    FROM unnest($10::uuid[], $11::int[], $12::text[]) WITH ORDINALITY AS near (document_id, position, digest, place)
    JOIN passages p USING (document_id, position)
    JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id
    WHERE (SELECT is_indexed FROM of_model)
      AND vector_digest(p.embedding, d.language) = near.digest
      AND p.tenant_id = ANY($1) AND ($4::text IS NULL OR d.language = $4)
),
copy AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM embedding_index WHERE store = $9)
           AND NOT EXISTS (SELECT FROM outdated_copies WHERE tenant_id = ANY($1))
           AND (SELECT count(*) FROM copied_neighbour) = cardinality($10::uuid[]) AS is_whole
),
neighbour AS (
    SELECT p.tenant_id, p.document_id, p.position, p.embedding <=> (SELECT embedding FROM probe) AS distance
    FROM passages p
    JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id
    WHERE $6::text IS NOT NULL
      AND (SELECT is_indexed FROM of_model)
      AND (SELECT is_whole FROM copy) IS NOT TRUE
      AND p.embedding IS NOT NULL
      AND p.tenant_id = ANY($1) AND ($4::text IS NULL OR d.language = $4)
    ORDER BY p.embedding <=> (SELECT embedding FROM probe)
    LIMIT 50
),
by_vector AS (
    SELECT tenant_id, document_id, position,
           row_number() OVER (ORDER BY distance, document_id, position) AS place
    FROM (
        SELECT * FROM neighbour
        UNION ALL
        SELECT * FROM copied_neighbour WHERE (SELECT is_whole FROM copy)
    ) AS near
),
-- Reciprocal rank fusion with its usual constant (Cormack, Clarke and Buettcher, 2009): scores of two kinds cannot be added.
fused AS (
    SELECT tenant_id, document_id, position,
           t.place AS text_place, v.place AS vector_place, coalesce(t.score, 0) AS text_score,
           coalesce(1.0 / (60 + t.place), 0) + coalesce(1.0 / (60 + v.place), 0) AS score
    FROM by_text t
    FULL JOIN by_vector v USING (tenant_id, document_id, position)
)
SELECT d.id AS document_id, d.title, d.language, d.source_title, d.source_url,
       p.position, p.heading, p.content, p.start_char, p.end_char,
       f.score::real AS score, f.text_score, f.text_place::int AS text_place, f.vector_place::int AS vector_place,
       (SELECT is_indexed FROM of_model) AS is_indexed, coalesce((SELECT is_whole FROM copy), false) AS is_by_copy
FROM fused f
JOIN passages p USING (tenant_id, document_id, position)
JOIN documents d ON d.tenant_id = p.tenant_id AND d.id = p.document_id
ORDER BY f.score DESC, f.text_score DESC, d.id, p.position
LIMIT $5
