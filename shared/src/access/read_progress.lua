-- Reads up to which change the copy is written.
--
-- KEYS    1 the progress
-- answers the change (microseconds), or nothing: then all are to be written
return redis.call('GET', KEYS[1])
