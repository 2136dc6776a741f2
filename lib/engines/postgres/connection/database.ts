import { Pool, type PoolClient, type QueryResult } from 'pg'

import { type Clock, systemClock } from '../../../host/clock.ts'
import { ErasureError } from '../../../errors.ts'
import { type Logger, silentLogger } from '../../../host/logger.ts'
import { cleanError, sqlStateOf } from './clean-error.ts'
import { endClient } from './end-client.ts'
import { locate } from './locate.ts'
import { subscribe } from './notifications.ts'
import { sessionPreparer } from './prepare-session.ts'
import {
  QUERY_MS,
  sessionConfig,
  type Statement,
  statementTimeout,
  timed,
} from './session.ts'

/** Where the database is, and how much of it to use. */
export interface DatabaseOptions {
  /**
   * `postgres://user:password@host:port/database`, as libpq and pg take it. Must lead to
   * PostgreSQL itself, or to a pooler in session mode (`STORE_POOLED` otherwise): notifications,
   * prepared statements and the settings of a session need a session of our own.
   */
  readonly connectionString: string
  /**
   * Connections at most, besides one for each `subscribe`. Default: 10. Fewer than 3 let a slow
   * query hold up the others; more than the server's `max_connections` divided by the number of
   * processes are refused by it.
   */
  readonly maxConnections?: number
  /** How long to wait for a connection. Default: 10,000. */
  readonly connectTimeoutMs?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
  /** Told when an idle connection is lost. Default: writes nothing. */
  readonly logger?: Logger
}

/** What a query brought back. */
interface QueryAnswer<Row> {
  /** By the names of their columns; empty for a statement that returns none. */
  readonly rows: Row[]
  /** Rows returned or changed. */
  readonly rowCount: number
}

/** Runs one query: `Database.query`, or the same within a transaction. */
export type RunQuery = <Row>(
  text: string | Statement,
  values?: readonly unknown[],
  timeoutMs?: number,
) => Promise<QueryAnswer<Row>>

/**
 * A PostgreSQL database, by one pool of connections that opens them as they are needed.
 *
 * Queries reject with the errors of pg, stripped of what may quote rows: match on `code`, the
 * SQLSTATE. A query that rejects without one (a timeout, a lost connection) may have been
 * carried out all the same.
 */
export interface Database {
  /** Host, port and database, for error messages; never a user or a password. */
  readonly location: string
  /**
   * Runs one query, or several without values in one text, whose rows are then joined.
   *
   * @param text - SQL; with a name, each connection prepares it once
   * @param timeoutMs - Default: 10,000. The connection is then thrown away and the query
   *   rejects; the server gives it up a second later. It does not cover the wait for a
   *   connection, which has a limit of its own.
   * @throws ErasureError `CLOSED` after `close`; `STORE_POOLED` if a pooler gives our sessions to
   *   others between two queries
   */
  query<Row>(
    text: string | Statement,
    values?: readonly unknown[],
    timeoutMs?: number,
  ): Promise<QueryAnswer<Row>>
  /**
   * Runs `task` in a transaction that is rolled back if it rejects.
   * @param timeoutMs - of each query in it. Default: 10,000
   */
  transaction<Result>(
    task: (query: RunQuery) => Promise<Result>,
    timeoutMs?: number,
  ): Promise<Result>
  /**
   * Listens on a connection of its own, watched by a query every ten seconds, and opened again
   * whenever it is lost. What was notified meanwhile is lost: `onReconnect` is the time to look.
   * Neither callback may throw.
   *
   * @returns how to stop; rejects if the first connection cannot be made
   */
  subscribe(
    channel: string,
    onNotification: (payload: string) => void,
    onReconnect: () => void,
  ): Promise<() => Promise<void>>
  /** Ends all connections, after the queries under way. Idempotent. Queries after it reject. */
  close(): Promise<void>
}

/**
 * Opens nothing yet: the first query does.
 *
 * @throws TypeError if `connectionString` is not one, or an option is out of range
 */
export function openDatabase(options: DatabaseOptions): Database {
  return new PooledDatabase(options)
}

class PooledDatabase implements Database {
  readonly location: string
  readonly #options: Required<DatabaseOptions>
  readonly #pool: Pool
  readonly #clients = new Set<PoolClient>()
  readonly #listening = new Set<() => Promise<void>>()
  #closed: Promise<void> | undefined

  constructor(options: DatabaseOptions) {
    this.#options = withDefaults(options)
    const { connectionString, connectTimeoutMs, maxConnections, clock } = this.#options
    this.location = locate(connectionString)
    const config = sessionConfig(connectionString, connectTimeoutMs)
    this.#pool = new Pool({
      ...config,
      max: maxConnections,
      // pg-pool waits for it and, if it rejects, ends the connection.
      onConnect: sessionPreparer({ config, clock, location: this.location }),
    })
    this.#pool.on('connect', client => this.#clients.add(client))
    this.#pool.on('remove', client => this.#clients.delete(client))
    // Without a listener, a restart of the database would end the process.
    this.#pool.on('error', error => {
      const fields = { database: this.location, error: error.message }
      this.#options.logger.debug('An idle database connection was lost', fields)
    })
  }

  async query<Row>(
    text: string | Statement,
    values?: readonly unknown[],
    timeoutMs: number = QUERY_MS,
  ): Promise<QueryAnswer<Row>> {
    this.#checkOpen()
    if (timeoutMs > QUERY_MS) return this.#queryLong(text, values, timeoutMs)
    return this.#withClient(
      async client => toAnswer(await client.query(timed(text, values, timeoutMs))),
      // A text without values may hold several statements, and have begun a transaction.
      error => error !== undefined && (values === undefined || !isRefusal(error)),
    )
  }

  async transaction<Result>(
    task: (query: RunQuery) => Promise<Result>,
    timeoutMs: number = QUERY_MS,
  ): Promise<Result> {
    this.#checkOpen()
    return this.#withClient(
      async client => {
        const query: RunQuery = async (text, values, queryMs = timeoutMs) =>
          toAnswer(await client.query(timed(text, values, queryMs)))
        await query(`BEGIN; SET LOCAL ${statementTimeout(timeoutMs)}`)
        const result = await task(query)
        await query('COMMIT')
        return result
      },
      error => error !== undefined,
    )
  }

  async subscribe(
    channel: string,
    onNotification: (payload: string) => void,
    onReconnect: () => void,
  ): Promise<() => Promise<void>> {
    this.#checkOpen()
    const { connectionString, connectTimeoutMs, clock } = this.#options
    const config = sessionConfig(connectionString, connectTimeoutMs)
    const end = await subscribe({ config, clock, channel, onNotification, onReconnect })
    const stop = async () => {
      this.#listening.delete(stop)
      await end()
    }
    this.#listening.add(stop)
    if (this.#closed !== undefined) await stop()
    return stop
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#listening].map(stop => stop()))
    await this.#pool.end()
    // The pool does not wait until its sessions are over, nor does it give up on dead ones.
    await Promise.all(
      [...this.#clients].map(client => endClient(client, this.#options.clock)),
    )
  }

  /** The server's limit is the session's: one that has had another is not used again. */
  #queryLong<Row>(
    text: string | Statement,
    values: readonly unknown[] | undefined,
    timeoutMs: number,
  ): Promise<QueryAnswer<Row>> {
    return this.#withClient(
      async client => {
        await client.query(
          timed(`SET ${statementTimeout(timeoutMs)}`, undefined, QUERY_MS),
        )
        return toAnswer<Row>(await client.query(timed(text, values, timeoutMs)))
      },
      () => true,
    )
  }

  async #withClient<Result>(
    task: (client: PoolClient) => Promise<Result>,
    isSpentBy: (error: unknown) => boolean,
  ): Promise<Result> {
    const client = await this.#pool.connect()
    // The query under way rejects with it; without a listener it would end the process.
    const ignore = () => {}
    client.on('error', ignore)
    let failure: unknown
    try {
      return await task(client)
    } catch (error) {
      failure = error
      throw cleanError(error)
    } finally {
      client.release(isSpentBy(failure))
      client.off('error', ignore)
    }
  }

  #checkOpen(): void {
    if (this.#closed === undefined) return
    throw new ErasureError('CLOSED', `${this.location}: the connections are closed`)
  }
}

/** Whether the server has refused the statement and is ready for another. */
function isRefusal(error: unknown): boolean {
  return /^(22|23|40|54|55)/.test(sqlStateOf(error))
}

function withDefaults(options: DatabaseOptions): Required<DatabaseOptions> {
  const { maxConnections = 10, connectTimeoutMs = 10_000 } = options
  if (!Number.isInteger(maxConnections) || maxConnections < 1) {
    throw new TypeError('Expected `maxConnections` to be an integer >= 1')
  }
  if (!(connectTimeoutMs > 0)) {
    throw new TypeError('Expected `connectTimeoutMs` to be a number > 0')
  }
  return {
    clock: systemClock,
    logger: silentLogger,
    ...options,
    maxConnections,
    connectTimeoutMs,
  }
}

function toAnswer<Row>(answer: QueryResult | QueryResult[]): QueryAnswer<Row> {
  const results = Array.isArray(answer) ? answer : [answer]
  return {
    rows: results.flatMap(result => result.rows as Row[]),
    rowCount: results.reduce((sum, result) => sum + (result.rowCount ?? 0), 0),
  }
}
