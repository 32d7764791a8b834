-- $1 tenant, $2 consultation, $3 the rules' decision, $4 urgency
UPDATE consultations
SET triage = $3, urgency = $4, updated_at = now()
WHERE tenant_id = $1 AND id = $2
