-- The consultation that an idempotency key created before.
--
-- $1 tenant, $2 user, $3 key
SELECT k.fingerprint, c.id, c.job_id, c.triage, c.locale
FROM idempotency_keys k
JOIN consultations c ON c.tenant_id = k.tenant_id AND c.id = k.consultation_id
WHERE k.tenant_id = $1
  AND k.user_id = $2
  AND k.operation = 'create'
  AND k.key = $3
