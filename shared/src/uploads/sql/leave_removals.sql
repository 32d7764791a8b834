-- Of the batch $1, the rows $3, which failed, and the rows $4, which were not reached, leave it. What failed is tried again after $5
-- seconds, twice as many each time, up to $6. The other rows are the batch $2 from now on
UPDATE removed_uploads
SET batch = CASE WHEN id = ANY($3::bigint[] || $4::bigint[]) THEN NULL ELSE $2::uuid END,
    tries = tries + CASE WHEN id = ANY($3::bigint[]) THEN 1 ELSE 0 END,
    due_at = CASE
        WHEN id = ANY($3::bigint[])
            THEN now() + make_interval(secs => least($5::float8 * power(2::float8, least(tries, 20)::float8), $6::float8))
        ELSE due_at
    END
WHERE batch = $1
