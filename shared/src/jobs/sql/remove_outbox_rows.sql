, removed_outbox_rows AS (
    -- An ended job has nothing left to send. Every statement that can end a job has its new state
    -- in `transition`, and this part after it: so no ending forgets its outbox row.
    DELETE FROM outbox
    USING transition
    WHERE (outbox.tenant_id, outbox.job_id) = (transition.tenant_id, transition.id)
      AND transition.state IN ('completed', 'failed', 'cancelled')
)
