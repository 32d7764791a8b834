-- Takes an entry away that cannot be read, by its version, so that one that was written meanwhile
-- stays.
--
-- KEYS    the entry
-- ARGV    the version that cannot be read
-- answers 1 if it was taken away, else 0
if redis.call('HGET', KEYS[1], 'version') == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
