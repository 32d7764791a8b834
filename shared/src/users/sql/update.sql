-- Gives people who are there the addresses, names and roles of these rows. Left out are those whose
-- address is another person's, or stands in an earlier row. Returns who is now as the row
-- says.
--
-- $1 tenant, $2 ids, $3 e-mail addresses, $4 names, $5 roles
WITH wanted AS (
    SELECT DISTINCT ON (lower(email)) id, email, name, role
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])
         WITH ORDINALITY AS row (id, email, name, role, position)
    ORDER BY lower(email), position
),
known AS (
    SELECT id FROM users WHERE tenant_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE
)
UPDATE users SET email = wanted.email, name = wanted.name, role = wanted.role, updated_at = now()
FROM wanted JOIN known USING (id)
WHERE users.tenant_id = $1 AND users.id = wanted.id
  AND NOT EXISTS (
      SELECT FROM users other
      WHERE other.tenant_id = $1 AND lower(other.email) = lower(wanted.email) AND other.id <> wanted.id
  )
RETURNING users.id
