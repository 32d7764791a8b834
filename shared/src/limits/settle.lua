-- Moves the time at which a bucket is full again by what was charged too little or too much.
-- bucket.lua stands before this script.
--
-- KEYS    the bucket
-- ARGV    ticks (a negative number gives back), and ticks of a microsecond
-- answers 1, or 0 if the bucket is full then
local shift, scale = tonumber(ARGV[1]), tonumber(ARGV[2])
local debt = read_debt(KEYS[1], scale) + shift
if debt <= 0 then
  redis.call('DEL', KEYS[1])
  return 0
end

write_debt(KEYS[1], scale, debt)
return 1
