import type { Statement } from '../connection/session.ts'

/** The database's time in ms, the same throughout a statement: no two processes differ on it. */
export const NOW = '(extract(epoch FROM statement_timestamp()) * 1000)::bigint'

/** Documents an iteration reads at a time. */
export const PAGE_ROWS = 500
/** Documents past their time to live that one statement deletes. */
export const EXPIRY_ROWS = 1000

/** What a document that is there becomes. */
export const OVERWRITE = 'UPDATE SET value = excluded.value, expires = excluded.expires'

/**
 * Limits how long the statement it is in waits for a document that another process has locked, but not
 * for the table. It must be evaluated before the first document is locked.
 *
 * @param ms - the parameter, such as `$4`, a number as text; 0 is for ever
 */
export function limitLockWait(ms: string): string {
  return `(SELECT pg_catalog.set_config('lock_timeout', ${ms}, true)) <> ''`
}

/** $1 keys in order and each once, $2 values, $3 times to live in ms or null; $4 see above. */
export function upsertStatement(schema: string): Statement {
  return {
    name: `erasure_upsert_${schema}`,
    text: `
      INSERT INTO ${schema}.document (key, value, expires)
      SELECT key, value, ${NOW} + ttl
      FROM unnest($1::text[], $2::text[], $3::bigint[]) AS addition (key, value, ttl)
      WHERE ${limitLockWait('$4')}
      ON CONFLICT (key) DO ${OVERWRITE}`,
  }
}

/** $1 keys. Documents past their time to live are found, as long as they are there. */
export function readStatement(schema: string): Statement {
  return {
    name: `erasure_read_${schema}`,
    text: `
      SELECT key, value, expires IS NULL OR expires > ${NOW} AS live
      FROM ${schema}.document WHERE key = ANY ($1::text[])`,
  }
}

/** $1 keys → the keys of documents that are locked. */
export function lockedStatement(schema: string): string {
  const found = `FROM ${schema}.document WHERE key = ANY ($1::text[])`
  return `
    WITH free AS MATERIALIZED (SELECT key ${found} FOR UPDATE SKIP LOCKED)
    SELECT key ${found} AND key NOT IN (SELECT key FROM free)`
}

/** $1 the key to go on after, $2 the key to end before. */
export function pageStatement(schema: string): Statement {
  return {
    name: `erasure_page_${schema}`,
    text: `
      SELECT key, value FROM ${schema}.document
      WHERE key > $1 AND key < $2 ORDER BY key LIMIT ${PAGE_ROWS}`,
  }
}

/** $1 the first key, $2 the key to end before. */
export function clearStatement(schema: string): string {
  return `DELETE FROM ${schema}.document WHERE key >= $1 AND key < $2`
}

/**
 * $1 the time of this host. Deletes only documents that have expired by both the database's clock and
 * the host's: a clock that is ahead for a moment would otherwise delete everything. Skips documents
 * that another process is just deleting or renewing.
 */
export function expireStatement(schema: string): string {
  return `
    DELETE FROM ${schema}.document WHERE key IN (
      SELECT key FROM ${schema}.document WHERE expires <= least(${NOW}, $1::bigint)
      ORDER BY expires LIMIT ${EXPIRY_ROWS} FOR UPDATE SKIP LOCKED)`
}
