-- Notes up to which change the copy is written. It ends after a while, so that all are written again.
--
-- KEYS    1 the progress
-- ARGV    1 the change (microseconds), 2 how long a progress lasts (seconds), 3 '1' if there may be none yet
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('SET', KEYS[1], ARGV[1], 'KEEPTTL')
elseif ARGV[3] == '1' then
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
return 1
