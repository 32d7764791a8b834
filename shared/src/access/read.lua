-- Reads what has changed of a person's access.
--
-- KEYS    1 the person
-- answers role, end of what they were signed in with (seconds), change (microseconds); each may be missing
return redis.call('HMGET', KEYS[1], 'role', 'signed_out_at', 'changed_at')
