-- The rows of one person, as a range: its order is that of the index of a person's consultations
-- alone. By an equality the planner may go through the whole tenant, if it takes the person for one
-- with many. The bound is that of a page, and one more.
SELECT *
FROM consultations
WHERE tenant_id = $1 AND user_id >= owner.id AND (user_id, id) < (owner.id, $2)
ORDER BY user_id DESC, id DESC
LIMIT 101
