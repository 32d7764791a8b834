-- The rules' decision on one consultation, locked until the transaction ends.
--
-- $1 tenant, $2 consultation, $3 owner or NULL
SELECT user_id, triage, urgency, locale
FROM consultations
WHERE tenant_id = $1 AND id = $2 AND ($3::text IS NULL OR user_id = $3)
FOR NO KEY UPDATE
