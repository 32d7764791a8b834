-- A vector store beside the database may hold a copy of the passages' vectors, which searches then ask first. The database
-- keeps every vector, and notes here which documents' copies are not what they should be; while a tenant has any of these,
-- its searches ask the database's own index. Without a store nothing is noted.
SET LOCAL lock_timeout = '5s';

CREATE SEQUENCE outdated_copies_change;

CREATE TABLE outdated_copies (
    tenant_id    text   NOT NULL,
    document_id  uuid   NOT NULL,
    change       bigint NOT NULL DEFAULT nextval('outdated_copies_change'), -- another one whenever it has changed once more
    lease        uuid,                                                      -- of the run that copies it
    leased_until timestamptz,
    PRIMARY KEY (tenant_id, document_id)
);

CREATE INDEX outdated_copies_next ON outdated_copies (leased_until NULLS FIRST, tenant_id, document_id);

-- What a copied vector is named by: another vector, or the same one in a document of another language, is another one.
CREATE FUNCTION vector_digest(embedding halfvec, language text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN md5(halfvec_send(embedding) || convert_to(language, 'UTF8'));

CREATE FUNCTION note_outdated_copies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM embedding_index WHERE store IS NOT NULL) THEN
        INSERT INTO outdated_copies (tenant_id, document_id)
        SELECT DISTINCT tenant_id, document_id FROM changed ORDER BY tenant_id, document_id
        ON CONFLICT (tenant_id, document_id) DO UPDATE SET change = nextval('outdated_copies_change');
    END IF;
    RETURN NULL;
END $$;

-- A new passage has no vector, so nothing is noted of it. Only its vector is ever updated.
CREATE TRIGGER passages_updated AFTER UPDATE ON passages
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_outdated_copies();
CREATE TRIGGER passages_deleted AFTER DELETE ON passages
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_outdated_copies();

-- Last, since every search reads this table.
ALTER TABLE embedding_index ADD COLUMN store uuid; -- the collection that holds the copy
