SELECT c.id, c.user_id, c.job_id, c.urgency, c.locale,
       c.symptoms, c.age, c.sex, c.history, c.triage, c.turns,
       c.assessment, c.requires_model, c.by_patient, c.attachments, c.report, c.reviewed_at, c.reviewed_by, c.created_at,
       CASE WHEN j.state = 'failed' THEN j.last_error END AS failure,
