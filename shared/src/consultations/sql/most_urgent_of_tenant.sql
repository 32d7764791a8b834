-- The most urgent first, the newest first within an urgency: as the index consultations_by_urgency
-- (migration 0021) has them, whose expression is written here letter by letter. What lies between
-- two bounds is read: from the place ($4, $2) down to the last of the urgency $5. The limit is that
-- of a page, and one more.
SELECT *, array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], urgency) AS rank
FROM consultations
WHERE tenant_id = $1
  AND (array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], urgency), id)
    < (array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], $4), $2)
  AND array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], urgency)
    >= array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], $5)
ORDER BY rank DESC, id DESC
LIMIT 101
