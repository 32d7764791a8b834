-- A consultation, its job, the outbox row and the idempotency key, in one statement: one round trip
-- and one transaction. Nothing is written when the key was used before: two requests that arrive
-- together meet on the key's row, where the later one waits for the earlier one's commit.
--
-- $1 tenant, $2 user, $3 key or NULL, $4 fingerprint, $5 consultation, $6 job, $7 urgency,
-- $8 locale, $9 symptoms, $10 age, $11 sex, $12 history, $13 triage, $14 requires_model,
-- $15 the job's kind, $16 its payload, $17 whether the caller is a patient,
-- $18 attachments, $19 the trace that the job is made in
WITH key AS (
    INSERT INTO idempotency_keys
        (tenant_id, user_id, operation, key, fingerprint, consultation_id, expires_at)
    SELECT $1, $2, 'create', $3, $4, $5, now() + interval '24 hours'
    WHERE $3::text IS NOT NULL
    ON CONFLICT (tenant_id, user_id, operation, key) DO UPDATE
    SET fingerprint = excluded.fingerprint,
        consultation_id = excluded.consultation_id,
        expires_at = excluded.expires_at
    WHERE idempotency_keys.expires_at < now()
    RETURNING 1
),
admitted AS (
    SELECT 1 FROM key
    UNION ALL
    SELECT 1 WHERE $3::text IS NULL
),
consultation AS (
    INSERT INTO consultations
        (tenant_id, user_id, id, job_id, urgency, locale,
         symptoms, age, sex, history, triage, requires_model, by_patient, attachments)
    SELECT $1, $2, $5, $6, $7, $8,
           $9, $10, $11, $12, $13, $14, $17, $18
    FROM admitted
),
job AS (
    INSERT INTO jobs
        (tenant_id, user_id, locale, id, consultation_id, kind, payload, traceparent)
    SELECT $1, $2, $8, $6, $5, $15, $16, $19
    FROM admitted
),
message AS (
    INSERT INTO outbox (tenant_id, job_id)
    SELECT $1, $6
    FROM admitted
)
SELECT count(*) > 0
FROM admitted
