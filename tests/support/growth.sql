-- Fills the tables with :jobs jobs in each of some tenants, :tenants tenants, and :records records.
--
--   big     :jobs jobs with keys, 50 of which failed; every second one of these was done later;
--           :records jobs that are done and have one key; :records analyses
--   failed  :jobs failed jobs, and nothing else
--   due-*   two jobs each, both due
--   flood   :jobs jobs, all due
--   wait-*  two jobs each, none of them due
--
-- The consultations of `big` are one person's, every fiftieth an emergency. Each other table has :records rows; one row of
-- those that are pruned is old.
TRUNCATE uploads, consultations, event_streams, consultation_events, jobs, outbox, idempotency_keys, users, quarantine;

CREATE OR REPLACE FUNCTION pg_temp.id(part int, number int) RETURNS uuid IMMUTABLE LANGUAGE sql AS $$
    SELECT ('01900000-000' || part || '-7000-8000-' || lpad(to_hex(number), 12, '0'))::uuid
$$;

-- Most have been reviewed: 60 emergencies and as many others are left. They are not updated to be so: who reads elsewhere on the
-- same server may keep VACUUM from removing what they were.
INSERT INTO consultations
    (tenant_id, id, user_id, job_id, urgency, locale, symptoms, triage, reviewed_at, reviewed_by)
SELECT 'big', pg_temp.id(1, n), 'user-1', pg_temp.id(1, n),
       CASE WHEN n % 50 = 0 THEN 'emergency' ELSE 'routine' END, 'en', 'a cough',
       '{"urgency": "routine", "red_flags": []}',
       CASE WHEN NOT is_left THEN now() END, CASE WHEN NOT is_left THEN 'doctor' END
FROM generate_series(1, :records) n
CROSS JOIN LATERAL (SELECT n % 50 = 0 AND n <= 50 * 60 OR n % 49 = 0 AND n <= 49 * 60) AS counted (is_left);

INSERT INTO jobs (tenant_id, id, user_id, consultation_id, kind, state)
SELECT 'big', pg_temp.id(1, n), 'user-1', pg_temp.id(1, n), 'analyze', 'completed'
FROM generate_series(1, :records) n;

INSERT INTO jobs (tenant_id, id, user_id, kind, dedupe_key, state)
SELECT 'big', pg_temp.id(2, n), 'user-1', 'generate_report', 'key-' || n,
       CASE WHEN n % (:jobs / 50) = 0 THEN 'failed' ELSE 'completed' END
FROM generate_series(1, :jobs) n;

INSERT INTO jobs (tenant_id, id, user_id, kind, dedupe_key, state)
SELECT 'big', pg_temp.id(3, n), 'user-1', 'generate_report', 'key-' || n, 'completed'
FROM generate_series(1, :jobs) n
WHERE n % (:jobs / 25) = 0;

INSERT INTO jobs (tenant_id, id, user_id, kind, dedupe_key, state)
SELECT 'big', pg_temp.id(8, n), 'user-1', 'generate_report', 'one-key', 'completed'
FROM generate_series(1, :records) n;

INSERT INTO jobs (tenant_id, id, user_id, kind, dedupe_key, state)
SELECT 'failed', pg_temp.id(4, n), 'user-1', 'analyze', 'key-' || n, 'failed'
FROM generate_series(1, :jobs) n;

INSERT INTO jobs (tenant_id, id, user_id, kind)
SELECT 'due-' || n / 2, pg_temp.id(5, n), 'user-1', 'analyze'
FROM generate_series(0, 2 * :tenants - 1) n
UNION ALL
SELECT 'flood', pg_temp.id(6, n), 'user-1', 'analyze'
FROM generate_series(1, :jobs) n
UNION ALL
SELECT 'wait-' || n / 2, pg_temp.id(7, n), 'user-1', 'analyze'
FROM generate_series(0, 2 * :tenants - 1) n;

INSERT INTO outbox (tenant_id, job_id, due_at)
SELECT tenant_id, id, now() + CASE
    WHEN tenant_id LIKE 'wait-%' THEN interval '1 day'
    ELSE interval '-1 hour' * random()
    END
FROM jobs
WHERE state = 'queued';

-- One consultation has had many events.
INSERT INTO consultation_events (tenant_id, consultation_id, id, kind)
SELECT 'big', pg_temp.id(1, 1), 1 + n, 'progress'
FROM generate_series(1, :records) n;

UPDATE event_streams SET last_id = 1 + :records WHERE consultation_id = pg_temp.id(1, 1);

INSERT INTO idempotency_keys
    (tenant_id, user_id, operation, key, fingerprint, consultation_id, expires_at)
SELECT 'big', 'user-1', 'create', 'key-' || n, '', pg_temp.id(1, n),
       now() + interval '1 day' * CASE WHEN n = 2 THEN -1 ELSE 1 END
FROM generate_series(1, :records) n;

INSERT INTO users (tenant_id, id, email, name, role)
SELECT 'big', 'user-' || n, 'user-' || n || '@x.example', 'Li', 'patient'
FROM generate_series(1, :records) n;

INSERT INTO quarantine (message_id, reason, body, arrived_at)
SELECT 'message-' || n, 'not_a_job', '', now() - interval '1 day' * CASE WHEN n = 2 THEN 31 ELSE 1 END
FROM generate_series(1, :records) n;

INSERT INTO uploads (tenant_id, id, user_id, file_name, content_type, size, state)
SELECT 'big', pg_temp.id(1, n), 'user-' || CASE WHEN n % 2 = 0 THEN 1 ELSE n END, 'x.txt', 'text/plain', 1, 'ready'
FROM generate_series(1, :records) n;

-- As many are pending, of which verifiers look at two.
INSERT INTO uploads (tenant_id, id, user_id, file_name, content_type, size, verified_until)
SELECT 'big', pg_temp.id(2, n), 'sender-' || n, 'x.txt', 'text/plain', 1,
       CASE WHEN n IN (2, 3) THEN now() + interval '15 minutes' END
FROM generate_series(1, :records) n;

-- The planner's statistics, as autovacuum would keep them.
VACUUM ANALYZE uploads, consultations, event_streams, consultation_events, jobs, outbox, idempotency_keys, users, quarantine;
