/**
 * The tables of the store, in the order they came to be. A migration that was published is
 * never changed: whatever is to be different is a new one at the end. Each must leave the tables
 * such that the version before it can go on working, since bridges are upgraded one process at
 * a time.
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
