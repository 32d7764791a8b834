       -- A consultation is as far as its job, whose row is read with it.
       CASE
           WHEN j.state IN ('completed', 'failed', 'cancelled') THEN j.state
           ELSE 'processing'
       END AS status,
       greatest(c.updated_at, j.finished_at) AS updated_at
