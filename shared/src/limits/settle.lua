-- Moves the time at which a bucket is full again by what was charged too little or too much.
-- `now`, the server's time in microseconds, is set by what stands before this script.
--
-- KEYS    the bucket
-- ARGV    microseconds; a negative number gives back
-- answers 1, or 0 if there was no bucket to give back to
local full_at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0') or 0) + tonumber(ARGV[1])
if full_at <= now then return redis.call('DEL', KEYS[1]) end

local keep = string.format('%.0f', math.ceil((full_at - now) / 1000) + 1)
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', keep)
return 1
