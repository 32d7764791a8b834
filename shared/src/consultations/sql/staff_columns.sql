       c.reviewed_at,
       (SELECT name FROM users WHERE (users.tenant_id, users.id) = (c.tenant_id, c.user_id)) AS user_name,
