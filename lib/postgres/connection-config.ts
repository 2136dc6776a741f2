import type { ClientConfig } from 'pg'

/** When the system starts to ask whether the other end is still there, and how often. */
export const KEEP_ALIVE_MS = 10_000

/** What every connection to the database is opened with. */
export function connectionConfig(
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
