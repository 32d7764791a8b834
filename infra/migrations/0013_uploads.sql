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

-- Uploads that are gone, whose files are to be removed, with what the CDN has cached of them. Written in the transaction that
-- removes or rejects the upload.
CREATE TABLE removed_uploads (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id     text        NOT NULL,
    upload_id     uuid        NOT NULL,
    served_object text,                               -- what the CDN may have cached
    due_at        timestamptz NOT NULL DEFAULT now(),
    is_second     boolean     NOT NULL DEFAULT false, -- a verification that was under way has ended
    batch         uuid                                -- which names it to the CDN, once it is being removed
);
CREATE INDEX removed_uploads_due ON removed_uploads (due_at);
CREATE INDEX removed_uploads_batch ON removed_uploads (batch) WHERE batch IS NOT NULL;
