-- Small values that the Service keeps about itself. Works on SQLite and PostgreSQL.
CREATE TABLE settings (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL                   -- of key_check: sealed, settings/key_check
);
