-- The copy of the document $2 of the owner $1 is as it was after the change $3: if there was another one since, it is
-- copied again.
WITH copied AS (
    DELETE FROM outdated_copies WHERE tenant_id = $1 AND document_id = $2 AND changes = $3
    RETURNING document_id
)
UPDATE outdated_copies SET leased_until = NULL
WHERE tenant_id = $1 AND document_id = $2 AND NOT EXISTS (SELECT FROM copied)
