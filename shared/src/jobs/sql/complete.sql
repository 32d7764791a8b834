WITH transition AS (
    UPDATE jobs
    SET state = 'completed',
        finished_at = now(),
        progress = 100,
        step = NULL,
        last_error = NULL,
        deferred_since = NULL,
        lease_token = NULL,
        lease_expires_at = NULL
    WHERE tenant_id = $1 AND id = $2 AND lease_token = $3
    RETURNING tenant_id, id, state, consultation_id
)
