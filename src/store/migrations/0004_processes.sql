-- Several Processes a Project, their numbers and sizes, images of other registries, rollback. Works on SQLite and
-- PostgreSQL.
CREATE TABLE scales (                   -- what a Client chose; a Process without a row: one Instance of the default size
  project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
  process TEXT NOT NULL,
  count INTEGER NOT NULL,
  memory_bytes BIGINT NOT NULL DEFAULT 0,  -- of an Instance; 0: the default
  milli_cpus BIGINT NOT NULL DEFAULT 0,    -- of an Instance; 0: the default
  PRIMARY KEY (project_id, process)
);
CREATE TABLE registries (               -- who a Project's images are fetched as
  project_id TEXT NOT NULL REFERENCES projects(id) ON DELETE CASCADE,
  host TEXT NOT NULL,                   -- registry.example:5000
  username TEXT NOT NULL,
  password TEXT NOT NULL,               -- sealed, registry/<project id>/<host>
  PRIMARY KEY (project_id, host)
);
ALTER TABLE deployments ADD COLUMN origin BIGINT NOT NULL DEFAULT 0;     -- of a rollback: whose image it runs; 0: none
ALTER TABLE deployments ADD COLUMN instances BIGINT NOT NULL DEFAULT 1;  -- what `processes` counts for, of the plan
ALTER TABLE deployments ADD COLUMN memory_bytes BIGINT NOT NULL DEFAULT 536870912;
ALTER TABLE deployments ADD COLUMN milli_cpus BIGINT NOT NULL DEFAULT 1000;
CREATE INDEX deployments_running ON deployments(project_id)
  WHERE state IN ('queued', 'building', 'releasing', 'starting', 'live');
