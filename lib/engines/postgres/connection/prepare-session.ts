import { randomBytes } from 'node:crypto'

import { Client, type ClientBase, type ClientConfig } from 'pg'

import { ErasureError } from '../../../errors.ts'
import { type Clock, sleep } from '../../../host/clock.ts'
import { endClient } from './end-client.ts'
import { pinSettings, QUERY_MS, timed } from './session.ts'

/** How long a notification may take before we say that it never comes. */
const PATIENCE_MS = 5000

/** What sessions are opened with. */
export interface SessionOptions {
  readonly config: ClientConfig
  readonly clock: Clock
  /** Where they lead, for error messages. */
  readonly location: string
}

/**
 * @returns what makes a new connection ours: it gives it the settings we need. Before that, since
 *   settings would outlive us in the sessions of a pooler, it rejects with ErasureError
 *   `STORE_POOLED` if there is one that shares them.
 */
export function sessionPreparer(
  options: SessionOptions,
): (client: ClientBase) => Promise<void> {
  /** Asked once: a pooler stays what it is. */
  let pooler: Promise<void> | undefined
  return async client => {
    if (!(await isDirect(client))) {
      pooler ??= refuseSharedSessions(client, options)
      try {
        await pooler
      } catch (error) {
        pooler = undefined
        throw error
      }
    }
    await pinSettings(client)
  }
}

/**
 * Whether a connection leads to PostgreSQL without a pooler in between. When a connection starts,
 * PostgreSQL sends the id of the process that serves it, as a key for cancelling queries. A pooler
 * sends a key of its own: with PostgreSQL's key, one client could cancel the queries of others.
 */
async function isDirect(client: ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ pid: number }>(
    timed('SELECT pg_catalog.pg_backend_pid() AS pid', undefined, QUERY_MS),
  )
  const told = 'processID' in client ? client.processID : undefined
  return rows[0]?.pid === told
}

/**
 * Rejects if the pooler gives a client's session to others between two transactions. A second client
 * listens and then stays silent, and `client` notifies. The notification arrives only if the session
 * still belongs to the second client, however many sessions the pooler has and whatever other clients
 * use them. All that is left in the sessions is an unused channel name.
 *
 * @throws ErasureError `STORE_POOLED`
 */
async function refuseSharedSessions(
  client: ClientBase,
  { config, clock, location }: SessionOptions,
): Promise<void> {
  const listener = new Client(config)
  const heard = new AbortController()
  listener.on('error', () => {})
  const channel = `erasure_${randomBytes(8).toString('hex')}`
  // A session that others have used may pass on what they wait for.
  listener.on('notification', told => told.channel === channel && heard.abort())
  try {
    await listener.connect()
    await listener.query(timed(`LISTEN ${channel}`, undefined, QUERY_MS))
    await client.query(timed(`NOTIFY ${channel}`, undefined, QUERY_MS))
    await sleep(clock, PATIENCE_MS, heard.signal)
    // A process that was stopped runs its timers before it reads what has arrived.
    await new Promise(setImmediate)
    await new Promise(setImmediate)
  } finally {
    await endClient(listener, clock)
  }
  if (heard.signal.aborted) return
  throw new ErasureError(
    'STORE_POOLED',
    `${location} is a connection pooler that shares sessions, such as PgBouncer with pool_mode = ` +
      'transaction: requests would be accepted and never carried out; connect to PostgreSQL ' +
      'itself, or to the pooler in session mode',
    { store: location },
  )
}
