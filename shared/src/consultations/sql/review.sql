-- Marks a consultation as reviewed by this person, or takes that back. Its updated_at stays: what was told or answered has not
-- changed.
--
-- $1 tenant, $2 consultation, $3 whether it is reviewed, $4 by whom
UPDATE consultations
SET reviewed_at = CASE WHEN $3 THEN now() END,
    reviewed_by = CASE WHEN $3 THEN $4 END
WHERE tenant_id = $1 AND id = $2
RETURNING reviewed_at, reviewed_by
