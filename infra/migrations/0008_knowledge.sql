-- Documents that answers quote, cut into passages that are found by their words. They belong to a tenant, or to '*', which
-- no tenant can be called: what '*' has, every tenant reads.

CREATE TABLE documents (
    tenant_id    text        NOT NULL,
    id           uuid        NOT NULL,
    reference    text        NOT NULL, -- the owner's own name of it: writing under the same one replaces
    language     text        NOT NULL CHECK (language IN ('zh', 'en')),
    title        text        NOT NULL,
    also         text        NOT NULL DEFAULT '', -- what patients call it
    source_title text        NOT NULL,
    source_url   text        NOT NULL,
    content      text        NOT NULL, -- Markdown
    version      integer     NOT NULL DEFAULT 1,
    ingested     integer     NOT NULL DEFAULT 0, -- the version whose passages are found; 0 before the first
    job_id       uuid,                           -- that brings in the latest version; none if an operator wrote it
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, reference)
);

CREATE TABLE passages (
    tenant_id   text     NOT NULL,
    document_id uuid     NOT NULL,
    position    integer  NOT NULL,
    heading     text     NOT NULL, -- of the part that it stands in; empty before the first
    content     text     NOT NULL,
    start_char  integer  NOT NULL, -- where it stands in the document's content, in characters
    end_char    integer  NOT NULL,
    -- English words by their stems, and pairs of Han characters: PostgreSQL cuts no Chinese. The title's weigh most (A).
    terms       tsvector NOT NULL,
    PRIMARY KEY (tenant_id, document_id, position),
    FOREIGN KEY (tenant_id, document_id) REFERENCES documents ON DELETE CASCADE
);

CREATE INDEX passages_terms ON passages USING gin (terms);
