SELECT c.id, c.user_id, c.urgency, left(c.symptoms, 120) AS symptoms, c.turns, c.created_at,
       -- The last answer is a question, and nothing has happened since.
       coalesce((c.assessment ->> 'awaits_answer')::boolean
                AND j.state = 'completed' AND c.urgency = c.assessment ->> 'urgency', false) AS awaits_answer,
