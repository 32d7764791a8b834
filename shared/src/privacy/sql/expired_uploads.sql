-- Uploads of tenant $1 from before the one with the id $2 that no consultation of their owner has, up to $3
SELECT u.id FROM uploads u
WHERE u.tenant_id = $1 AND u.id < $2
  AND NOT EXISTS (
      SELECT FROM consultations c
      WHERE c.tenant_id = u.tenant_id AND c.user_id = u.user_id AND c.attachments @> ARRAY[u.id]
  )
ORDER BY u.id
LIMIT $3
