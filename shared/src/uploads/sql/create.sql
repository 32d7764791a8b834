-- $1 tenant, $2 upload, $3 user, $4 name, $5 type, $6 size, $7 SHA-256, $8 the most uploads of one person whose bytes have not come,
-- $9 the largest that is sent in one form: larger ones are sent in parts, for six hours
INSERT INTO uploads (tenant_id, id, user_id, file_name, content_type, size, sha256)
SELECT $1, $2, $3, $4, $5, $6, $7
WHERE (
    SELECT count(*) FROM uploads
    WHERE tenant_id = $1 AND user_id = $3 AND state = 'pending'
        AND created_at > now() - CASE WHEN size > $9 THEN interval '6 hours' ELSE interval '20 minutes' END
) < $8
