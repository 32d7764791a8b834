-- Writes the fleet's verdict on the database and gives the lease back.
--
-- KEYS    1 the verdict, 2 its lease
-- ARGV    the verdict; how long it is kept (milliseconds)
-- answers 1
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))

redis.call('HSET', KEYS[1], 'status', ARGV[1], 'checked_at', now)
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('DEL', KEYS[2])
return 1
