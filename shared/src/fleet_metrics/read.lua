-- Reads the fleet's sums.
--
-- KEYS    1 the sums
-- answers the series and their sums, in turn
return redis.call('HGETALL', KEYS[1])
