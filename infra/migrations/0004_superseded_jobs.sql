-- A failed job that a later one with the same key replaces can never be brought back. A redrive that meets one says so
-- here, and no later redrive reads it again.
--
-- By itself, since adding a column locks the table against everything: that lock must not be held while 0005 builds its
-- indexes. If a long transaction holds the table, this gives up after five seconds instead of blocking all that comes
-- behind it, and can be run again.
SET LOCAL lock_timeout = '5s';
-- The role may end statements sooner, as for the functions.
SET LOCAL statement_timeout = 0;

ALTER TABLE jobs ADD COLUMN IF NOT EXISTS superseded_at timestamptz;
