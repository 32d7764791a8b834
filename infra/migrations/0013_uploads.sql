-- Files that people upload. The bytes are in S3: what a client sends lies below incoming/, where nobody reads it, and what
-- was verified is copied to uploads/.

CREATE TABLE uploads (
    tenant_id    text        NOT NULL,
    id           uuid        NOT NULL,
    user_id      text        NOT NULL,
    file_name    text        NOT NULL, -- as it is shown, safe in paths and headers
    content_type text        NOT NULL,
    size         bigint      NOT NULL CHECK (size > 0), -- of what is sent; when it is ready, of what is kept
    sha256       text,                                  -- in hexadecimal digits: as declared; when it is ready, of what is kept
    state        text        NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'scanning', 'ready', 'rejected')),
    reason       text,                                  -- why it was rejected
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

-- What never became ready is pruned, and one person's is counted.
CREATE INDEX uploads_unfinished ON uploads (created_at) WHERE state <> 'ready';
CREATE INDEX uploads_pending ON uploads (tenant_id, user_id) WHERE state = 'pending';

-- Objects that are to be removed, with what the CDN has cached of them. Written in the transaction that removes the upload.
CREATE TABLE removed_objects (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    object_key  text        NOT NULL,
    was_served  boolean     NOT NULL, -- then the CDN may have cached it
    removed_at  timestamptz NOT NULL DEFAULT now(),
    batch       uuid -- of the invalidation that names it, once it is being made
);
CREATE INDEX removed_objects_batch ON removed_objects (batch) WHERE batch IS NOT NULL;
