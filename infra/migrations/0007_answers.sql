-- Answers to questions change what the rules said: the comment of 0001 ("never changed") no longer holds. Calls go on
-- meanwhile; a vacuum of the table does not, so this gives up after five seconds instead of waiting for one.
SET LOCAL lock_timeout = '5s';
-- The role may end statements sooner, as for the functions.
SET LOCAL statement_timeout = 0;

COMMENT ON COLUMN consultations.triage IS
    'What the rules said at once, decided again with each answer of the patient, which it holds. Never lowered.';
COMMENT ON COLUMN consultations.urgency IS
    'The greatest of what the rules, the patient''s answers and the model said. Never lowered.';
