-- The first schema. Times are milliseconds since 1970 UTC; ids are UUIDs as text. Works on SQLite and PostgreSQL.
CREATE TABLE clients (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL UNIQUE,           -- lower case
  username TEXT NOT NULL UNIQUE,        -- lower case
  password_hash TEXT NOT NULL,          -- Argon2id
  administrator INTEGER NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL
);
CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients(id) ON DELETE CASCADE,
  hash TEXT NOT NULL UNIQUE,            -- SHA-256 of the 256-bit token, hex
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  last_used_at BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE ssh_keys (
  id TEXT PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients(id) ON DELETE CASCADE,
  type TEXT NOT NULL,                   -- ssh-ed25519 …
  public_key TEXT NOT NULL,             -- base64 of the blob
  fingerprint TEXT NOT NULL UNIQUE,     -- SHA256:…
  comment TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL
);
CREATE TABLE projects (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  owner_id TEXT NOT NULL REFERENCES clients(id),
  stopped INTEGER NOT NULL DEFAULT 0,   -- 1: the Client stopped it; no Instance should run
  deleting INTEGER NOT NULL DEFAULT 0,  -- 1: deletion has begun and will be finished after a restart
  next_number BIGINT NOT NULL DEFAULT 1,
  created_at BIGINT NOT NULL
);
CREATE INDEX projects_owner ON projects(owner_id, name);
CREATE TABLE environment (
  project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  value TEXT NOT NULL,                  -- sealed, bound to project and name
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (project_id, name)
);
CREATE TABLE deployments (
  project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
  number BIGINT NOT NULL,
  cause TEXT NOT NULL,
  state TEXT NOT NULL,
  commit_id TEXT NOT NULL DEFAULT '',
  commit_subject TEXT NOT NULL DEFAULT '',
  image TEXT NOT NULL DEFAULT '',
  port INTEGER NOT NULL DEFAULT 80,
  processes TEXT NOT NULL DEFAULT '{}', -- the manifest's process list as JSON
  environment TEXT NOT NULL DEFAULT '', -- sealed JSON snapshot, bound to project and number
  actor_id TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',      -- of a failure: build_failed, exited, …
  message TEXT NOT NULL DEFAULT '',
  created_at BIGINT NOT NULL,
  finished_at BIGINT NOT NULL DEFAULT 0,  -- when it became live, failed or cancelled
  PRIMARY KEY (project_id, number)
);
CREATE INDEX deployments_state ON deployments(state);
CREATE UNIQUE INDEX deployments_live ON deployments(project_id) WHERE state = 'live';  -- one at most
