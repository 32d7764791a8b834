-- Writes many people in one statement, leaves out those whose id or e-mail address is taken, and
-- returns the ids of those that it wrote.
--
-- $1 tenant, $2 ids, $3 e-mail addresses, $4 names, $5 roles
INSERT INTO users (tenant_id, id, email, name, role)
SELECT $1, *
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])
ON CONFLICT DO NOTHING
RETURNING id
