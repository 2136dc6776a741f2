/**
 * The migrations of the store's tables, in order. Never change a published migration: add a new one at
 * the end. After each, the previous version must still be able to work with the tables, because bridges
 * are upgraded one process at a time.
 */
export const migrations: ReadonlyArray<(schema: string) => string> = [
  // Values are some hundred bytes and are kept in the row (MAIN), where an update in place
  // (HOT, for which a page keeps a fifth free) and the next pruning of the page overwrite them;
  // ANALYZE would copy keys and values to pg_stats (STATISTICS 0). The order of keys is that
  // of their bytes, whatever the database's language. Dead rows are vacuumed early.
  schema => `
    CREATE TABLE ${schema}.document (
      key text COLLATE "C" PRIMARY KEY,
      value text NOT NULL,
      expires bigint
    ) WITH (
      fillfactor = 80,
      autovacuum_vacuum_threshold = 1000,
      autovacuum_vacuum_scale_factor = 0.01
    );
    ALTER TABLE ${schema}.document
      ALTER COLUMN key SET STATISTICS 0,
      ALTER COLUMN value SET STATISTICS 0,
      ALTER COLUMN value SET STORAGE MAIN;
    CREATE INDEX document_expires ON ${schema}.document (expires)
      WHERE expires IS NOT NULL`,
]
