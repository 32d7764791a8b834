-- A tenant's consultations are listed by urgency and time. An urgency is a text, whose order is not that of need: its place among
-- all is in the index. An update that leaves the urgency as it is does not touch it. What is written meanwhile waits for it.
SET LOCAL lock_timeout = '5s';
-- The role may end statements sooner, as for the functions.
SET LOCAL statement_timeout = 0;

CREATE INDEX IF NOT EXISTS consultations_by_urgency
    ON consultations (tenant_id, array_position(ARRAY['self_care', 'routine', 'urgent', 'emergency'], urgency), id);
