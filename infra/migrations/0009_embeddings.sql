-- Passages are found by their meaning too: by vectors, all of one model. A write of another model's vectors is refused, and a
-- search by them finds none; `cargo xtask reindex` changes the model, and the column's dimensions with it.
-- pgvector must be 0.8.0 or later (iterative scans); 0.8.2 to 0.8.4 mended corrupt HNSW indexes.

CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE embedding_index (
    is_only    boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    model      text    NOT NULL,
    dimensions integer NOT NULL
);

-- Half precision: half the memory, and the order of neighbours hardly changes.
ALTER TABLE passages ADD COLUMN embedding halfvec(384);

CREATE INDEX passages_embedding ON passages USING hnsw (embedding halfvec_cosine_ops);
CREATE INDEX passages_without_embedding ON passages (tenant_id, document_id, position) WHERE embedding IS NULL;
