-- A person's uploads are listed, the newest first. What is uploaded meanwhile waits for it.
SET LOCAL lock_timeout = '5s';
-- The role may end statements sooner, as for the functions.
SET LOCAL statement_timeout = 0;

CREATE INDEX uploads_of_person ON uploads (tenant_id, user_id, id);
