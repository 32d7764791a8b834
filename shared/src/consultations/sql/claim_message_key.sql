-- Takes an idempotency key for a message; no row if it was used before.
--
-- $1 tenant, $2 user, $3 key, $4 fingerprint, $5 consultation, $6 the job that answers
INSERT INTO idempotency_keys
    (tenant_id, user_id, operation, key, fingerprint, consultation_id, expires_at, job_id)
VALUES ($1, $2, 'message', $3, $4, $5, now() + interval '24 hours', $6)
ON CONFLICT (tenant_id, user_id, operation, key) DO UPDATE
SET fingerprint = excluded.fingerprint,
    consultation_id = excluded.consultation_id,
    expires_at = excluded.expires_at,
    job_id = excluded.job_id
WHERE idempotency_keys.expires_at < now()
RETURNING 1
