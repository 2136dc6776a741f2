import { type Clock, systemClock } from '../../host/clock.ts'
import { harmlessLogger, type Logger, silentLogger } from '../../host/logger.ts'
import { openDatabase } from './connection/database.ts'
import { queueSchema } from './connection/schema-name.ts'
import { databaseClock } from './connection/database-clock.ts'
import { installBoss } from './queue/start-boss.ts'
import { pgBossScheduler } from './queue/pg-boss-scheduler.ts'
import type { Scheduler } from '../../schedule/scheduler.ts'
import type { StoreAdapter } from '../../store/adapter.ts'
import { postgresStore } from './store/postgres-store.ts'

/** Where the engine is, and how it works. Give every process of a bridge the same options. */
export interface PostgresEngineOptions {
  /**
   * `postgres://user:password@host:port/database`, as libpq and pg accept it. It must lead directly
   * to PostgreSQL 13 or newer, or to a pooler in session mode (otherwise: `STORE_POOLED`).
   */
  readonly connectionString: string
  /**
   * The schema of our tables, created if missing: a lower-case letter or `_`, then up to 39 of these
   * or digits. pg-boss's tables are in a second schema, whose name is this one with `_queue` appended.
   * Default: `matrix_appservice_erasure`. Two bridges in one database need different schemas.
   */
  readonly schema?: string
  /**
   * The most connections a process opens, besides one that listens. Default: 10. Too low: queries
   * wait for each other. Too high: fewer processes fit into the server's `max_connections`.
   */
  readonly maxConnections?: number
  /**
   * How many requests a process works on at the same time. Default: 4. Too low: one slow remote
   * network holds up all requests. Too high: purges compete with the bridge for its database.
   */
  readonly concurrency?: number
  /**
   * How long a request still belongs to a process that has stopped answering; at least 10,000.
   * Default: 30,000 ms. Too low: a process that is only slow loses its requests, and their slices are
   * done twice. Too high: the requests of a dead process wait that long.
   */
  readonly leaseMs?: number
  /** How long `close` waits for handlers before it aborts them. Default: 10,000 ms. */
  readonly drainMs?: number
  /** Receives error codes when connections or queries fail temporarily. Default: none. */
  readonly logger?: Logger
  /** The clock against which the database's time is measured. Default: the machine's clock. */
  readonly clock?: Clock
}

/** What several processes share. Spread it into the options of `createErasure`. */
export interface PostgresEngine {
  /** Stores requests, tombstones and records. Its `disconnect` also ends the scheduler's connections. */
  readonly store: StoreAdapter
  /** Decides which process works on which request, and when. */
  readonly scheduler: Scheduler
  /**
   * The database's time. Waits are stored as times: if each host used its own clock, one that is an
   * hour wrong would end the waits of all processes an hour early or late.
   */
  readonly clock: Clock
}

const NAMES: ReadonlySet<string> = new Set([
  'connectionString',
  'schema',
  'maxConnections',
  'concurrency',
  'leaseMs',
  'drainMs',
  'logger',
  'clock',
] satisfies Array<keyof PostgresEngineOptions>)

/**
 * Makes an engine with which any number of processes, on any number of hosts, carry out erasure
 * together on one PostgreSQL database. Needs the packages `pg` and `pg-boss`. Connects on first use.
 *
 * @throws TypeError for an option that is unknown or out of range. Opening the store throws
 *   ErasureError `STORE_FOREIGN` if the schema belongs to another program or a newer version,
 *   `STORE_FORBIDDEN` if the role lacks a right, `STORE_VOLATILE` if the server may lose committed
 *   data, and `STORE_POOLED` behind a pooler that shares sessions.
 * @example
 * ```ts
 * const erasure = await createErasure({ registration, key, ...postgresEngine({ connectionString }) })
 * ```
 */
export function postgresEngine(options: PostgresEngineOptions): PostgresEngine {
  const unknown = Object.keys(options).find(name => !NAMES.has(name))
  if (unknown !== undefined) throw new TypeError(`Unknown option \`${unknown}\``)
  const { schema = 'matrix_appservice_erasure', clock: base = systemClock } = options
  const logger = harmlessLogger(options.logger ?? silentLogger)
  const database = openDatabase({ ...options, logger, clock: base })
  const clock = databaseClock(database, base)
  // Check everything that `start` needs before accepting any request.
  const queue = { database, schema: queueSchema(schema), logger }
  const prepareMore = () => installBoss(queue)
  return {
    store: postgresStore({ database, schema, clock, prepareMore }),
    scheduler: pgBossScheduler({ ...options, database, schema, logger, clock }),
    clock,
  }
}
