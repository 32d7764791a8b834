-- For the person $2 of the tenant $1: the consultation $3, which is processed for ever, since its job
-- is queued and nothing sends it; and 200 failed reports of it, each of which fails again whenever it
-- is redriven.
WITH endless AS (
    INSERT INTO consultations
        (tenant_id, id, user_id, job_id, urgency, locale, symptoms, triage)
    VALUES
        ($1, $3, $2, gen_random_uuid(), 'routine', 'en', 'a cough',
         '{"urgency": "routine", "red_flags": []}')
    RETURNING tenant_id, id, user_id, job_id
)
INSERT INTO jobs (tenant_id, id, user_id, consultation_id, kind, state, dedupe_key, payload)
SELECT tenant_id, job_id, user_id, id, 'analyze', 'queued', NULL,
       jsonb_build_object('consultation_id', id)
FROM endless
UNION ALL
SELECT tenant_id, gen_random_uuid(), user_id, id, 'generate_report', 'failed', 'report-' || n,
       jsonb_build_object('consultation_id', id)
FROM endless, generate_series(1, 200) n
