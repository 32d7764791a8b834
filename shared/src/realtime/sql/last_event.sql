-- The number of the consultation's last event, and whose it is; no row if the scope may not see the consultation.
--
-- $1 tenant, $2 consultation, $3 owner or NULL
SELECT coalesce(stream.last_id, 0) AS id, c.user_id
FROM consultations c
LEFT JOIN event_streams stream ON (stream.tenant_id, stream.consultation_id) = (c.tenant_id, c.id)
WHERE c.tenant_id = $1 AND c.id = $2 AND ($3::text IS NULL OR c.user_id = $3)
