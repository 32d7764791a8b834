-- Reads the fleet's verdict on the database, and asks for the lease if it has to be made anew.
--
-- KEYS    1 the verdict, 2 its lease
-- ARGV    how long a verdict is fresh, how long the lease lasts (milliseconds)
-- answers 'fresh', 'check' (the caller holds the lease) or 'wait' (another one holds it);
--         and the last verdict, or ''
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local verdict = redis.call('HMGET', KEYS[1], 'status', 'checked_at')
local status, checked_at = verdict[1] or '', tonumber(verdict[2] or '')

if checked_at then
  local age = now - checked_at
  if age >= 0 and age < tonumber(ARGV[1]) then return {'fresh', status} end
end

if redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[2]) then return {'check', status} end
return {'wait', status}
