-- What waits and what has failed. The outbox has a row for each job that is not ended.
SELECT greatest(extract(epoch FROM now() - min(created_at)), 0)::int8 AS oldest_age_seconds,
       count(*) AS unfinished,
       (SELECT count(*) FROM (SELECT FROM jobs WHERE state = 'failed' AND superseded_at IS NULL LIMIT 1000) AS bounded) AS failed,
       (SELECT count(*) FROM (SELECT FROM quarantine LIMIT 1000) AS bounded) AS in_quarantine
FROM outbox
