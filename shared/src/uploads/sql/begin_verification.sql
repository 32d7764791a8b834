-- A verifier looks at upload $2 of tenant $1 for $3 seconds at the longest, unless another one does, or others look at $4 uploads
-- of the same person or at $5 of the tenant
UPDATE uploads u SET verified_until = now() + make_interval(secs => $3)
WHERE u.tenant_id = $1 AND u.id = $2 AND u.state = 'pending'
  AND (u.verified_until IS NULL OR u.verified_until <= now())
  AND (
      SELECT count(*) FILTER (WHERE o.user_id = u.user_id) < $4 AND count(*) < $5
      FROM uploads o
      WHERE o.tenant_id = $1 AND o.state = 'pending'
        AND o.verified_until IS NOT NULL AND o.verified_until > now()
  )
