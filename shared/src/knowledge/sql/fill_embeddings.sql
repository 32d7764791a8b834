-- Vectors of passages that had none and still have the same text, while the index is that of the model $6 with $7 dimensions:
-- reindexing waits for this statement, or this one finds another model's index and writes nothing. By passage: $1 owner,
-- $2 document, $3 position, $4 text, $5 vector
WITH of_model AS MATERIALIZED (
    SELECT FROM embedding_index WHERE model = $6 AND dimensions = $7 FOR KEY SHARE
)
UPDATE passages p
SET embedding = filled.embedding::halfvec
FROM unnest($1::text[], $2::uuid[], $3::int[], $4::text[], $5::text[])
     AS filled (tenant_id, document_id, position, content, embedding)
WHERE EXISTS (SELECT FROM of_model)
  AND p.tenant_id = filled.tenant_id AND p.document_id = filled.document_id AND p.position = filled.position
  AND p.content = filled.content AND p.embedding IS NULL
