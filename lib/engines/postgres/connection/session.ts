import type { ClientBase, ClientConfig } from 'pg'

/** How long a query may take unless it says so. */
export const QUERY_MS = 10_000
/** How much longer than we wait for it the server continues a query. */
const SERVER_GRACE_MS = 1000
/** How long a session may hold locks without asking for anything. */
const IDLE_IN_TRANSACTION_MS = 30_000
/** When the system starts to ask whether the other end is still there, and how often. */
const KEEP_ALIVE_MS = 10_000

/** What every connection to the database is opened with. */
export function sessionConfig(
  connectionString: string,
  connectTimeoutMs: number,
): ClientConfig {
  return {
    connectionString,
    connectionTimeoutMillis: connectTimeoutMs,
    fallback_application_name: 'matrix-appservice-erasure',
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
  }
}

/**
 * Settings on which statements of ours or of pg-boss depend, and which a role or a database may have
 * changed: how values are read and written, where names are looked up, what ends a session or a
 * statement. Settings that an older server does not know are left out.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  array_nulls: 'on',
  bytea_output: 'hex',
  client_encoding: 'UTF8',
  datestyle: 'ISO, MDY',
  default_transaction_deferrable: 'off',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  exit_on_error: 'off',
  extra_float_digits: '1',
  idle_in_transaction_session_timeout: String(IDLE_IN_TRANSACTION_MS),
  // Connections wait in the pool, and one that listens waits for ever.
  idle_session_timeout: '0',
  intervalstyle: 'postgres',
  lock_timeout: '0',
  row_security: 'on',
  search_path: 'pg_catalog, pg_temp',
  standard_conforming_strings: 'on',
  statement_timeout: String(QUERY_MS + SERVER_GRACE_MS),
  tcp_keepalives_count: '3',
  tcp_keepalives_idle: String(KEEP_ALIVE_MS / 1000),
  tcp_keepalives_interval: String(KEEP_ALIVE_MS / 1000),
  timezone: 'UTC',
  transaction_timeout: '0',
  transform_null_equals: 'off',
}

/**
 * PostgreSQL must answer a commit only once it is on disk. `off` does not, and with standbys, `local`
 * and `remote_write` promise less than the operator who set up the standbys wanted. `remote_apply`
 * promises more, and stays.
 */
const PIN = `
  SELECT pg_catalog.set_config(name, value, false)
  FROM (VALUES
    ('synchronous_commit', CASE pg_catalog.current_setting('synchronous_commit')
      WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END),
    ${Object.entries(SETTINGS)
      .map(([name, value]) => `('${name}', '${value}')`)
      .join(', ')}
  ) AS setting (name, value)
  WHERE pg_catalog.current_setting(name, true) IS NOT NULL`

/** Gives a new session the settings we need. Rejects if the server does not answer. */
export async function pinSettings(client: ClientBase): Promise<void> {
  await client.query(timed(PIN, undefined, QUERY_MS))
}

/** The server's limit for a query that may take longer than others. */
export function statementTimeout(timeoutMs: number): string {
  return `statement_timeout = ${Math.ceil(timeoutMs + SERVER_GRACE_MS)}`
}

/** A query with a name, so that each session parses and plans it once. */
export interface Statement {
  /** Tells statements apart: one name, one text. */
  readonly name: string
  /** SQL, with `$1` and so on for values. */
  readonly text: string
}

/** A query that pg gives up after `timeoutMs`. */
export function timed(
  statement: string | Statement,
  values: readonly unknown[] | undefined,
  timeoutMs: number,
): QueryWithTimeout {
  const named = typeof statement === 'string' ? { text: statement } : statement
  return {
    ...named,
    query_timeout: timeoutMs,
    ...(values !== undefined && { values: [...values] }),
  }
}

/** pg takes `query_timeout` with each query; its types know it only for a connection. */
interface QueryWithTimeout {
  readonly text: string
  readonly name?: string
  readonly values?: unknown[]
  readonly query_timeout: number
}
