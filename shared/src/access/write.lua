-- Writes what has changed of a person's access, unless a later change is there.
--
-- KEYS    1 the person
-- ARGV    1 the change (microseconds), 2 role or '', 3 end of what they were signed in with (seconds) or ''
local known = redis.call('HGET', KEYS[1], 'changed_at')
if known and tonumber(known) > tonumber(ARGV[1]) then return 0 end

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'changed_at', ARGV[1])
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'role', ARGV[2]) end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'signed_out_at', ARGV[3]) end
return 1
