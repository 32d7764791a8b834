-- Whether the index holds vectors of the model $1 with $2 dimensions. An index that holds none of any takes it, if its column
-- has the dimensions.
WITH adopted AS (
    INSERT INTO embedding_index (model, dimensions)
    SELECT $1, $2
    FROM pg_attribute
    WHERE attrelid = 'passages'::regclass AND attname = 'embedding' AND atttypmod = $2
    ON CONFLICT DO NOTHING
    RETURNING model
)
SELECT EXISTS (SELECT FROM adopted)
    OR EXISTS (SELECT FROM embedding_index WHERE model = $1 AND dimensions = $2)
