import { Client, escapeIdentifier } from 'pg'

import { systemClock } from '../../host/clock.ts'
import { connectionConfig } from '../../postgres/connection-config.ts'
import { endClient } from '../../postgres/end-client.ts'
import { timed } from '../../postgres/timed.ts'
import { SourceError } from '../../watch/source.ts'
import { explainFailure } from './explain-failure.ts'

const CONNECT_MS = 10_000
/** How long a query may take. */
const QUERY_MS = 10_000
/**
 * Everything within a transaction, and every setting for it alone: a pooler gives the session to others
 * afterwards. With `row_security` off, rows that are hidden from the role are an error: a user who is
 * hidden would look as if they were not erased.
 */
const BEGIN = `
  BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY;
  SET LOCAL statement_timeout = ${QUERY_MS};
  SET LOCAL idle_in_transaction_session_timeout = ${3 * QUERY_MS};
  SET LOCAL row_security = off`

/** One connection to the database. It is lost after the first query that fails. */
export class Line {
  readonly #client: Client
  #stir = new AbortController()
  #isLost = false
  #closed: Promise<void> | undefined
  #last: Promise<unknown> = Promise.resolve()

  private constructor(client: Client) {
    this.#client = client
    client.on('error', () => this.#lose())
    client.on('end', () => this.#lose())
    client.on('notification', () => this.#stir.abort())
  }

  /** @throws SourceError, also at the abort */
  static async open(connectionString: string, signal: AbortSignal): Promise<Line> {
    let line: Line | undefined
    // pg never settles a `connect` during which the connection is ended.
    const aborted = Promise.withResolvers<never>()
    const abort = () => {
      void line?.close()
      aborted.reject(new SourceError('SOURCE_UNREACHABLE', 'Stopped while connecting'))
    }
    aborted.promise.catch(() => {})
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
    try {
      line = new Line(new Client(connectionConfig(connectionString, CONNECT_MS)))
      await Promise.race([aborted.promise, line.#client.connect()])
      return line
    } catch (error) {
      await line?.close()
      throw explainFailure(error)
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  get isLost(): boolean {
    return this.#isLost
  }

  /** Aborts at the next notification, or once the connection is lost. */
  arm(): AbortSignal {
    this.#stir = new AbortController()
    if (this.#isLost) this.#stir.abort()
    return this.#stir.signal
  }

  /**
   * Hears notifications from now on, unless a pooler is in between, whose sessions are not ours to
   * listen in, or the server is a standby, where nobody can listen.
   */
  async listen(channel: string): Promise<void> {
    const [row] = await this.read<{ pid: number; standby: boolean }>(
      'SELECT pg_backend_pid() AS pid, pg_is_in_recovery() AS standby',
      [],
    )
    const told = 'processID' in this.#client ? this.#client.processID : undefined
    if (row === undefined || row.pid !== told || row.standby) return
    await this.#inTurn(() => this.#query(`LISTEN ${escapeIdentifier(channel)}`))
  }

  /**
   * Runs one query, after those before it.
   *
   * @throws SourceError
   */
  read<Row>(text: string, values: readonly unknown[]): Promise<Row[]> {
    return this.#inTurn(async () => {
      await this.#query(BEGIN)
      const rows = await this.#query(text, values)
      await this.#query('COMMIT')
      return rows as Row[]
    })
  }

  /** Ends the connection, whatever it is doing. */
  close(): Promise<void> {
    this.#lose()
    this.#closed ??= endClient(this.#client, systemClock)
    return this.#closed
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }

  async #query(text: string, values?: readonly unknown[]): Promise<unknown[]> {
    try {
      const { rows } = await this.#client.query(timed(text, values, QUERY_MS))
      return rows
    } catch (error) {
      this.#lose()
      throw explainFailure(error)
    }
  }

  #lose(): void {
    this.#isLost = true
    this.#stir.abort()
  }
}
