-- $1 tenant, $2 person, $3 the consultation before which they were, $4 how many. A range, as for a
-- page: its order is that of the index of a person's consultations.
SELECT left(symptoms, 500) AS symptoms, urgency, created_at,
       left(assessment ->> 'summary', 500) AS summary
FROM consultations
WHERE tenant_id = $1 AND user_id >= $2 AND (user_id, id) < ($2, $3)
ORDER BY user_id DESC, id DESC
LIMIT $4
