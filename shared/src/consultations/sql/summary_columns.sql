SELECT c.id, c.urgency, left(c.symptoms, 120) AS symptoms, c.created_at,
