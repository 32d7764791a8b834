-- The batch $1 is done. What was removed for the first time is removed once more, in $2 seconds; the CDN has heard of it.
WITH done AS (
    DELETE FROM removed_uploads WHERE batch = $1 AND is_second
)
UPDATE removed_uploads
SET is_second = true, served_object = NULL, batch = NULL, tries = 0, due_at = now() + make_interval(secs => $2)
WHERE batch = $1 AND NOT is_second
