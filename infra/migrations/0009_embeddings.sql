-- Passages are found by their meaning too: by vectors, all of one model. `cargo xtask reindex` changes the model, and the
-- column's dimensions with it; vectors of another model are not written. Calls go on meanwhile, so this gives up after five
-- seconds instead of waiting for a long transaction.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = 0;

CREATE EXTENSION IF NOT EXISTS vector;

-- Searches go on until they have enough (iterative scans), which came with 0.8.0. Take 0.8.5 or later: 0.8.2 to 0.8.4 mended
-- corrupt HNSW indexes and an overflow.
DO $$
BEGIN
    IF (SELECT string_to_array(extversion, '.')::int[] < '{0,8}' FROM pg_extension WHERE extname = 'vector') THEN
        RAISE EXCEPTION 'pgvector 0.8.0 or later is needed: upgrade it, then ALTER EXTENSION vector UPDATE';
    END IF;
END $$;

CREATE TABLE embedding_index (
    is_only    boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    model      text    NOT NULL,
    dimensions integer NOT NULL
);

-- Half precision: half the memory, and the order of neighbours hardly changes. No passage has a vector yet, so the indexes
-- are soon built.
ALTER TABLE passages ADD COLUMN embedding halfvec(384);

CREATE INDEX passages_embedding ON passages USING hnsw (embedding halfvec_cosine_ops);
CREATE INDEX passages_without_embedding ON passages (tenant_id, document_id, position) WHERE embedding IS NULL;
