-- As most_urgent_of_tenant.sql, of what nobody has reviewed. Its order is an expression of the index consultations_to_review
-- (migration 0023) alone, written here letter by letter: by that of the other index the planner might read all that was
-- reviewed to find the few that were not.
SELECT *, CASE WHEN reviewed_at IS NULL THEN array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], urgency) END AS rank
FROM consultations
WHERE tenant_id = $1
  AND reviewed_at IS NULL
  AND (CASE WHEN reviewed_at IS NULL THEN array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], urgency) END, id)
    < (array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], $4), $2)
  AND CASE WHEN reviewed_at IS NULL THEN array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], urgency) END
    >= array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], $5)
ORDER BY rank DESC, id DESC
LIMIT 101
