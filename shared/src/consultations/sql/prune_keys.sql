-- Removes keys that have expired, the oldest first. A key that is used again in this moment has a
-- new time by then, and stays.
--
-- $1 how many at most
DELETE FROM idempotency_keys
WHERE ctid = ANY (ARRAY (
    SELECT ctid
    FROM idempotency_keys
    WHERE expires_at < now()
    ORDER BY expires_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
))
