-- Clinicians mark consultations that they have seen to: those are left out of the list of what is still to be reviewed.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = 0;

ALTER TABLE consultations
    ADD COLUMN IF NOT EXISTS reviewed_at timestamptz,
    ADD COLUMN IF NOT EXISTS reviewed_by text; -- the token's `sub`

-- As consultations_by_urgency (migration 0021), of what nobody has reviewed: it stays small, however much there has been. Its
-- expression is another one than that index's, so that no plan for this list reads that index, and with it all that was reviewed.
CREATE INDEX IF NOT EXISTS consultations_to_review
    ON consultations (
        tenant_id,
        (CASE WHEN reviewed_at IS NULL THEN array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], urgency) END),
        id
    )
    WHERE reviewed_at IS NULL;

-- A review is of what was known then. Whatever statement writes a further message, a greater urgency or a danger sign that was
-- not there withdraws it: no function can forget to, nor can one of an earlier version.
CREATE OR REPLACE FUNCTION withdraw_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.turns > OLD.turns
        OR array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], NEW.urgency)
            > array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], OLD.urgency)
        OR EXISTS (
            SELECT 1
            FROM jsonb_array_elements(coalesce(NEW.triage -> 'red_flags', '[]'::jsonb)) AS flag
            WHERE NOT coalesce(OLD.triage -> 'red_flags', '[]'::jsonb) @> jsonb_build_array(flag)
        )
    THEN
        NEW.reviewed_at := NULL;
        NEW.reviewed_by := NULL;
    END IF;
    RETURN NEW;
END
$$;

DROP TRIGGER IF EXISTS withdraw_review ON consultations;
CREATE TRIGGER withdraw_review BEFORE UPDATE OF turns, urgency, triage ON consultations
    FOR EACH ROW WHEN (OLD.reviewed_at IS NOT NULL)
    EXECUTE FUNCTION withdraw_review();
