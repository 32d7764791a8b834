-- A token bucket as the generic cell rate algorithm keeps it: one time, at which it is full again.
-- Time is counted in ticks, `scale` of which are a microsecond, so that a bucket fills in whole
-- numbers. `now`, in microseconds, and `slack`, in milliseconds, are set by what stands before.
--
-- The key holds `at:ticks:scale`: whole microseconds since 1970, and ticks beyond them. Its scale
-- is another one if the limit has been changed since.

-- Ticks until the bucket is full.
local function read_debt(key, scale)
  local stored = redis.call('GET', key) or ''
  local at, ticks, its_scale = string.match(stored, '^(%d+):(%d+):(%d+)$')
  if not at then return 0 end

  local beyond = tonumber(ticks)
  if tonumber(its_scale) ~= scale then beyond = math.ceil(beyond * scale / tonumber(its_scale)) end
  return math.max(0, (tonumber(at) - now) * scale + beyond)
end

local function write_debt(key, scale, debt)
  local micros = math.floor(debt / scale)
  local full_at = string.format('%.0f:%.0f:%.0f', now + micros, debt - micros * scale, scale)
  local keep = math.ceil(micros / 1000) + 1 + slack
  redis.call('SET', key, full_at, 'PX', string.format('%.0f', keep))
end

