import type { ClientBase, ClientConfig } from 'pg'

/** How long a query may take unless it says so. */
export const QUERY_MS = 10_000
/** How much longer the server goes on with a query that nobody waits for any more. */
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
 * What is true of every session, whatever the role or the database says. A commit is answered
 * once it is on disk: `off` is not, and with standbys `local` and `remote_write` promise less
 * than the operator who set up the standbys wanted. `remote_apply` promises more, and stays.
 */
const PREPARE = `
  SELECT
    set_config('synchronous_commit', CASE current_setting('synchronous_commit')
      WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config('statement_timeout', '${QUERY_MS + SERVER_GRACE_MS}', false),
    set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}', false),
    set_config('tcp_keepalives_idle', '${KEEP_ALIVE_MS / 1000}', false),
    set_config('tcp_keepalives_interval', '${KEEP_ALIVE_MS / 1000}', false),
    set_config('tcp_keepalives_count', '3', false)`

/** Prepares a new session. Rejects if the server does not answer. */
export async function prepareSession(client: ClientBase): Promise<void> {
  await client.query(timed(PREPARE, undefined, QUERY_MS))
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
