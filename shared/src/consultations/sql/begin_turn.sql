-- A further message is answered instead of an earlier one whose job has failed: no redrive brings that back.
--
-- $1 tenant, $2 consultation, $3 the job of the new turn, $4 the rules' decision, $5 urgency
WITH superseded AS (
    UPDATE jobs
    SET superseded_at = now()
    WHERE tenant_id = $1 AND consultation_id = $2 AND kind IN ('analyze', 'answer_message')
      AND state = 'failed' AND superseded_at IS NULL
)
UPDATE consultations
SET turns = turns + 1, job_id = $3, triage = $4, urgency = $5, updated_at = now()
WHERE tenant_id = $1 AND id = $2
