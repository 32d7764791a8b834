-- People of a tenant. Who may sign in is the user pool's; what is known of them is here. An e-mail address is one person's within
-- a tenant, however it is written.
CREATE TABLE users (
    tenant_id  text        NOT NULL,
    id         text        NOT NULL, -- the token's `sub`
    email      text        NOT NULL,
    name       text        NOT NULL,
    role       text        NOT NULL CHECK (role IN ('patient', 'clinician', 'admin')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

CREATE UNIQUE INDEX users_email ON users (tenant_id, lower(email));
CREATE INDEX users_created_at ON users (tenant_id, created_at);
