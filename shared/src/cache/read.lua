-- Reads an entry, says whether it still holds, and lets one reader load it anew: all in one round
-- trip.
--
-- KEYS    1 the entry, a hash; 2 its lease; 3… the epochs of its tags
-- ARGV    1 the version that the reader holds, or ''; 2 the reader's token, or '' if it only looks;
--         3 the lease's milliseconds; 4 a random number with which the entry is loaded anew before
--         its time (XFetch), or '0'
-- answers { now, epochs, version or '', fresh until, stale until,
--         body (only if it is another version),
--         whether the reader may load it: 1; whether it should ask to: 2; else 0 }
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local epochs = {}
for at = 3, #KEYS do epochs[at - 2] = redis.call('GET', KEYS[at]) or '0' end
epochs = table.concat(epochs, ',')

-- Another type of value at the key is another program's: as if there were no entry.
local known, entry = pcall(redis.call, 'HMGET', KEYS[1],
  'epochs', 'version', 'fresh', 'stale', 'cost', 'body')
if not known or type(entry) ~= 'table' or entry.err then entry = {} end

local version, body = entry[2], entry[6]
local fresh, stale, cost = tonumber(entry[3]), tonumber(entry[4]), tonumber(entry[5])
local is_complete = version and fresh and stale and cost and body
local holds = is_complete and entry[1] == epochs and now < stale

local leased = 0
if not holds or now + cost * tonumber(ARGV[4]) >= fresh then
  if ARGV[2] == '' then
    leased = 2
  elseif redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then
    leased = 1
  elseif redis.call('GET', KEYS[2]) == ARGV[2] then
    -- The lease is the reader's own: its question was asked twice, since the first answer was lost.
    leased = 1
  end
end

local server_time = string.format('%.0f', now)
if not holds then return { server_time, epochs, '', '0', '0', '', leased } end
if version == ARGV[1] then body = '' end
return { server_time, epochs, version, entry[3], entry[4], body, leased }
