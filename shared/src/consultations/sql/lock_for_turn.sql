-- Locks a consultation until the transaction ends, so that its turns come one after the other.
--
-- $1 tenant, $2 consultation, $3 owner or NULL
SELECT 1
FROM consultations
WHERE tenant_id = $1 AND id = $2 AND ($3::text IS NULL OR user_id = $3)
FOR NO KEY UPDATE
