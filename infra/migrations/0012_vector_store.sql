-- A vector store beside the database may hold a copy of the passages' vectors, which searches then ask first. The database
-- keeps every vector, and notes here which documents' copies are not what they should be; while a tenant has any of these,
-- its searches ask the database's own index. Without a store nothing is noted.
SET LOCAL lock_timeout = '5s';

ALTER TABLE embedding_index ADD COLUMN store uuid; -- the collection that holds the copy

CREATE TABLE outdated_copies (
    tenant_id    text   NOT NULL,
    document_id  uuid   NOT NULL,
    changes      bigint NOT NULL DEFAULT 1, -- so that whoever copies sees that it has changed once more
    leased_until timestamptz,               -- whoever copies it has this long
    PRIMARY KEY (tenant_id, document_id)
);

CREATE FUNCTION note_outdated_copies() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM embedding_index WHERE store IS NOT NULL) THEN
        INSERT INTO outdated_copies (tenant_id, document_id)
        SELECT DISTINCT tenant_id, document_id FROM changed ORDER BY tenant_id, document_id
        ON CONFLICT (tenant_id, document_id) DO UPDATE SET changes = outdated_copies.changes + 1;
    END IF;
    RETURN NULL;
END $$;

-- A new passage has no vector, so nothing is noted of it. Only its vector is ever updated.
CREATE TRIGGER passages_updated AFTER UPDATE ON passages
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_outdated_copies();
CREATE TRIGGER passages_deleted AFTER DELETE ON passages
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_outdated_copies();
