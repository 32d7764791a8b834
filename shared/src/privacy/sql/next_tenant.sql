-- The next tenant behind $1 that has records; null after the last one
SELECT min(tenant_id)
FROM (
    (SELECT tenant_id FROM consultations WHERE tenant_id > $1 ORDER BY tenant_id LIMIT 1)
    UNION ALL
    (SELECT tenant_id FROM uploads WHERE tenant_id > $1 ORDER BY tenant_id LIMIT 1)
    UNION ALL
    (SELECT tenant_id FROM audit_events WHERE tenant_id > $1 ORDER BY tenant_id LIMIT 1)
) next
