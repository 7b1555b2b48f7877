-- Accounts that one can open to strangers: states, roles, tokens with scopes, mail, audit, plans. «sealed» columns hold
-- AEAD text bound to the context that is named. Works on SQLite and PostgreSQL.
ALTER TABLE clients ADD COLUMN confirmed_at BIGINT NOT NULL DEFAULT 0;  -- 0: the address was never confirmed
ALTER TABLE clients ADD COLUMN suspended_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN suspended_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN deleting INTEGER NOT NULL DEFAULT 0;     -- 1: deletion has begun and will be finished
ALTER TABLE clients ADD COLUMN plan TEXT NOT NULL DEFAULT 'default';
ALTER TABLE clients ADD COLUMN totp TEXT NOT NULL DEFAULT '';           -- sealed, totp/<client id>; empty: none
ALTER TABLE clients ADD COLUMN totp_step BIGINT NOT NULL DEFAULT 0;     -- the last time step that was used
UPDATE clients SET confirmed_at = created_at;  -- who an administrator made needs no mail
CREATE TABLE recovery_codes (
  client_id TEXT NOT NULL REFERENCES clients(id) ON DELETE CASCADE,
  hash TEXT NOT NULL,                   -- SHA-256 of the random code, hex
  PRIMARY KEY (client_id, hash)
);
ALTER TABLE tokens ADD COLUMN kind TEXT NOT NULL DEFAULT 'cli';         -- cli | web: a login; api: for a program
ALTER TABLE tokens ADD COLUMN scope TEXT NOT NULL DEFAULT 'session';    -- read | deploy | manage | session
ALTER TABLE tokens ADD COLUMN limited INTEGER NOT NULL DEFAULT 0;       -- 1: only for the Projects of token_projects
ALTER TABLE tokens ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;     -- 0: never
ALTER TABLE tokens ADD COLUMN address TEXT NOT NULL DEFAULT '';         -- where it was used last from
CREATE INDEX tokens_client ON tokens(client_id);
CREATE TABLE token_projects (
  token_id TEXT NOT NULL REFERENCES tokens(id) ON DELETE CASCADE,
  project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
  PRIMARY KEY (token_id, project_id)
);
CREATE INDEX token_projects_project ON token_projects(project_id);
ALTER TABLE ssh_keys ADD COLUMN last_used_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX ssh_keys_client ON ssh_keys(client_id);
ALTER TABLE projects ADD COLUMN config_version BIGINT NOT NULL DEFAULT 1;  -- counts changes of the configuration (ETag)
ALTER TABLE projects ADD COLUMN owner_since BIGINT NOT NULL DEFAULT 0;
UPDATE projects SET owner_since = created_at;
CREATE TABLE members (
  project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
  client_id TEXT NOT NULL REFERENCES clients(id) ON DELETE CASCADE,
  role TEXT NOT NULL,                   -- maintainer | viewer; the owner is projects.owner_id
  created_at BIGINT NOT NULL,
  PRIMARY KEY (project_id, client_id)
);
CREATE INDEX members_client ON members(client_id);
CREATE TABLE invitations (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,            -- SHA-256 of the link's 256-bit secret, hex
  email TEXT NOT NULL,                  -- lower case; empty: to client_id, whatever its address
  client_id TEXT NOT NULL DEFAULT '',   -- empty: to whoever has the address
  project_id TEXT NOT NULL DEFAULT '',  -- empty: to the Service
  role TEXT NOT NULL DEFAULT '',        -- owner: a transfer
  inviter_id TEXT NOT NULL REFERENCES clients(id) ON DELETE CASCADE,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX invitations_project ON invitations(project_id);
CREATE INDEX invitations_inviter ON invitations(inviter_id);
CREATE TABLE links (                    -- single-use links that were mailed
  hash TEXT PRIMARY KEY,
  client_id TEXT NOT NULL REFERENCES clients(id) ON DELETE CASCADE,
  purpose TEXT NOT NULL,                -- confirm_email | reset_password | change_email
  email TEXT NOT NULL,                  -- the address that it proves
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX links_client ON links(client_id);
CREATE TABLE device_logins (            -- RFC 8628
  hash TEXT PRIMARY KEY,                -- SHA-256 of the device code, hex
  user_code TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,                   -- what the device says it is
  address TEXT NOT NULL,
  client_id TEXT NOT NULL DEFAULT '',   -- who approved or denied
  state TEXT NOT NULL DEFAULT 'pending',-- pending | approved | denied
  polled_at BIGINT NOT NULL DEFAULT 0,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE TABLE mails (                    -- not yet sent
  id TEXT PRIMARY KEY,
  body TEXT NOT NULL,                   -- sealed JSON, mail/<id>
  attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',       -- of the last attempt
  next_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX mails_next ON mails(next_at);
CREATE TABLE audit (
  id TEXT PRIMARY KEY,                  -- sorts by time: hex digits, 12 of milliseconds, 6 counting, 14 random
  at BIGINT NOT NULL,
  actor_id TEXT NOT NULL DEFAULT '',    -- empty: nobody had logged in
  actor TEXT NOT NULL DEFAULT '',       -- the user name then
  token_id TEXT NOT NULL DEFAULT '',
  address TEXT NOT NULL,
  action TEXT NOT NULL,                 -- project.create
  project_id TEXT NOT NULL DEFAULT '',  -- no reference: stays after the Project
  project TEXT NOT NULL DEFAULT '',     -- its name then
  object TEXT NOT NULL DEFAULT '',      -- what it was done on
  result TEXT NOT NULL,                 -- ok | denied | failed
  detail TEXT NOT NULL DEFAULT ''
);
CREATE INDEX audit_project ON audit(project_id, id);
CREATE INDEX audit_actor ON audit(actor_id, id);
CREATE TABLE plans (                    -- -1: without limit
  name TEXT PRIMARY KEY,
  projects BIGINT NOT NULL,
  instances BIGINT NOT NULL,
  memory_bytes BIGINT NOT NULL,         -- of all running Instances
  milli_cpus BIGINT NOT NULL,
  build_minutes BIGINT NOT NULL,        -- a calendar month, UTC
  disk_bytes BIGINT NOT NULL            -- of repositories
);
INSERT INTO plans (name, projects, instances, memory_bytes, milli_cpus, build_minutes, disk_bytes)
  VALUES ('default', 20, 40, 17179869184, 16000, 3000, 21474836480);
INSERT INTO plans (name, projects, instances, memory_bytes, milli_cpus, build_minutes, disk_bytes)
  VALUES ('unlimited', -1, -1, -1, -1, -1, -1);
UPDATE clients SET plan = 'unlimited' WHERE administrator = 1;
CREATE TABLE build_usage (
  client_id TEXT NOT NULL REFERENCES clients(id) ON DELETE CASCADE,
  month TEXT NOT NULL,                  -- 2026-11
  milliseconds BIGINT NOT NULL,
  PRIMARY KEY (client_id, month)
);
CREATE TABLE announcements (
  id TEXT PRIMARY KEY,
  level TEXT NOT NULL,                  -- info | warning
  text TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL DEFAULT 0     -- 0: until it is deleted
);
CREATE TABLE idempotency (              -- answers to creations, so that a repeated request makes nothing twice
  client_id TEXT NOT NULL REFERENCES clients(id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,            -- sealed SHA-256 of method, path and body, fingerprint/<client id>/<key>
  status INTEGER NOT NULL DEFAULT 0,    -- 0: still at work
  body TEXT NOT NULL DEFAULT '',        -- sealed, idempotency/<client id>/<key>
  created_at BIGINT NOT NULL,
  PRIMARY KEY (client_id, key)
);
CREATE INDEX idempotency_created ON idempotency(created_at);
CREATE INDEX deployments_created ON deployments(created_at);
