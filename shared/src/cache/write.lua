-- Writes an entry and gives its lease back, but only if the lease is still the writer's: a late
-- loader does not overwrite a newer value.
--
-- KEYS    1 the entry, 2 its lease
-- ARGV    1 the writer's token; 2 epochs; 3 version; 4 fresh for, 5 stale for, 6 cost of the load
--         (milliseconds); 7 body
-- answers 1 if the lease was the writer's, else 0
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
if ARGV[7] == '' then return 1 end -- nothing was loaded

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fresh, stale = string.format('%.0f', now + ARGV[4]), string.format('%.0f', now + ARGV[5])

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'epochs', ARGV[2], 'version', ARGV[3], 'fresh', fresh,
  'stale', stale, 'cost', ARGV[6], 'body', ARGV[7])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
