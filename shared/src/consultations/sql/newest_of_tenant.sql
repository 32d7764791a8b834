-- The bound is that of a page, and one more: for a parameter the planner would expect a tenth of
-- the tenant's rows, and might read and sort all of them.
SELECT *
FROM consultations
WHERE tenant_id = $1 AND id < $2
ORDER BY id DESC
LIMIT 101
