-- All passages of one document. $1 owner, $2 document, $3 and $4 the title's words and pairs; then by passage: $5 heading,
-- $6 text, $7 start, $8 end, $9 words, $10 pairs
INSERT INTO passages (tenant_id, document_id, position, heading, content, start_char, end_char, terms)
SELECT $1, $2, p.position - 1, p.heading, p.content, p.start_char, p.end_char,
       setweight(to_tsvector('english', $3) || to_tsvector('simple', $4), 'A')
       || setweight(to_tsvector('english', p.words) || to_tsvector('simple', p.pairs), 'D')
FROM unnest($5::text[], $6::text[], $7::int[], $8::int[], $9::text[], $10::text[])
     WITH ORDINALITY AS p (heading, content, start_char, end_char, words, pairs, position)
