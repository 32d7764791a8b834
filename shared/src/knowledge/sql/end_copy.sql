-- The copy of the document $2 of the owner $1 is, in the collection $5, as it was after the change $4, by the run that has the
-- lease $3. If there was another change since, it is copied again. Returns whether it has ended.
WITH of_store AS MATERIALIZED (
    SELECT FROM embedding_index WHERE store = $5 FOR KEY SHARE
),
copied AS (
    DELETE FROM outdated_copies
    WHERE tenant_id = $1 AND document_id = $2 AND lease = $3 AND change = $4 AND EXISTS (SELECT FROM of_store)
    RETURNING document_id
),
released AS (
    UPDATE outdated_copies SET lease = NULL, leased_until = NULL
    WHERE tenant_id = $1 AND document_id = $2 AND lease = $3 AND NOT EXISTS (SELECT FROM copied)
)
SELECT EXISTS (SELECT FROM copied)
