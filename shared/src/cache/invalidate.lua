-- Gives tags a new epoch: every entry that carries one of them no longer holds. An epoch is the
-- server's time, so that one that was forgotten and begun anew is never an earlier one.
--
-- KEYS    the epochs of the tags
-- ARGV    milliseconds for which an epoch is kept
-- answers 1
local time = redis.call('TIME')
local epoch = time[1] * 1000000 + time[2]
for _, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', epoch), 'PX', ARGV[1])
end
return 1
