-- The objects of a batch that was begun a while ago, or of a new one called $1 with up to $2 objects
WITH begun AS (
    SELECT batch FROM removed_objects
    WHERE batch IS NOT NULL
    ORDER BY batch
    LIMIT 1
),
next AS (
    SELECT id FROM removed_objects
    WHERE NOT EXISTS (SELECT FROM begun)
    ORDER BY id
    LIMIT $2
    FOR UPDATE SKIP LOCKED
),
taken AS (
    UPDATE removed_objects r SET batch = $1
    FROM next
    WHERE r.id = next.id
    RETURNING r.batch, r.object_key, r.was_served
)
SELECT batch, object_key, was_served FROM taken
UNION ALL
SELECT r.batch, r.object_key, r.was_served FROM removed_objects r JOIN begun USING (batch)
