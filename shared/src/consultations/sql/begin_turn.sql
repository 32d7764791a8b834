-- $1 tenant, $2 consultation, $3 the job of the new turn, $4 the rules' decision, $5 urgency
UPDATE consultations
SET turns = turns + 1, job_id = $3, triage = $4, urgency = $5, updated_at = now()
WHERE tenant_id = $1 AND id = $2
