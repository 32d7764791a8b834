-- $1 tenant, $2 person, $3 the consultation before which they were, $4 its age, $5 its sex.
-- A range, as for a page: its order is that of the index of a person's consultations. What cannot
-- be the same person's by age or sex is left out: families share accounts.
SELECT left(c.symptoms, 500) AS symptoms, c.urgency, c.age, c.sex, c.created_at,
       -- What a model said, unless it was no more than a question.
       CASE
           WHEN c.assessment -> 'served_by' ->> 'model' IS NOT NULL
               AND NOT coalesce((c.assessment ->> 'awaits_answer')::boolean, false)
           THEN left(c.assessment ->> 'summary', 500)
       END AS summary
FROM (
    SELECT *
    FROM consultations
    WHERE tenant_id = $1 AND user_id >= $2 AND (user_id, id) < ($2, $3)
    ORDER BY user_id DESC, id DESC
    LIMIT 20
) c
WHERE c.by_patient
    AND (c.sex = $5 OR c.sex IS NULL OR $5 IS NULL)
    AND (c.age IS NULL OR $4 IS NULL
         OR $4 - c.age BETWEEN extract(year FROM age(now(), c.created_at)) - 1
                           AND extract(year FROM age(now(), c.created_at)) + 1)
LIMIT 5
