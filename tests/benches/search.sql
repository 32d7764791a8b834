-- Documents of ten passages, half of them one tenant's, a hundredth another's, the rest of a hundred others. Words follow a
-- power law; vectors are random, which is the hardest for an index.
TRUNCATE documents CASCADE;

DROP INDEX passages_embedding;

INSERT INTO documents (tenant_id, id, reference, language, title, source_title, source_url, content)
SELECT CASE WHEN n % 2 = 0 THEN 'half' WHEN n % 100 = 1 THEN 'small' ELSE 'other' || n % 100 END,
       gen_random_uuid(), 'd' || n, 'en', 'title', 'source', 'https://example.org/', ''
FROM generate_series(1, greatest(100, :passages / 10)) n;

INSERT INTO passages (tenant_id, document_id, position, heading, content, start_char, end_char, terms, embedding)
SELECT d.tenant_id, d.id, n, '', repeat('A sentence of the passage. ', 15), 0, 400,
       (SELECT to_tsvector('simple', string_agg('w' || floor(power(random(), 3) * 3000)::int, ' '))
        FROM generate_series(1, 60) WHERE n > 0),
       (SELECT array_agg(random() - 0.5)::real[]::halfvec(384) FROM generate_series(1, 384) WHERE n > 0)
FROM documents d, generate_series(1, :passages / greatest(100, :passages / 10)) n;

SET maintenance_work_mem = '512MB';

CREATE INDEX passages_embedding ON passages USING hnsw (embedding halfvec_cosine_ops);

VACUUM ANALYZE documents, passages
