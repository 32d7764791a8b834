-- Adds what an environment has counted to the fleet's sums, once.
--
-- KEYS    1 the sums, 2 the mark of this flush
-- ARGV    how long the mark is kept (milliseconds); then the series and by how much each has grown,
--         in turn
-- answers 1, or 0 if these were added before: their answer was lost
if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then return 0 end

for index = 2, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[index], ARGV[index + 1]) end
return 1
