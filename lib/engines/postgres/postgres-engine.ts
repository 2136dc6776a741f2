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

/** Where the engine lies, and how it works. Every process of a bridge is given the same. */
export interface PostgresEngineOptions {
  /**
   * `postgres://user:password@host:port/database`, as libpq and pg take it. Must lead to
   * PostgreSQL 13 or newer itself, or to a pooler in session mode (`STORE_POOLED` otherwise).
   */
  readonly connectionString: string
  /**
   * The schema of our tables, made if missing: a small letter or `_`, then up to 39 of these or
   * digits. pg-boss's are in the same name with `_queue` behind it. Default:
   * `matrix_appservice_erasure`. Two bridges in one database need two.
   */
  readonly schema?: string
  /**
   * Connections of a process at most, besides one that listens. Default: 10. Too low: queries
   * wait for each other. Too high: the server's `max_connections` is reached with fewer processes.
   */
  readonly maxConnections?: number
  /**
   * How many requests a process works on side by side. Default: 4. Too high: purges compete with
   * the bridge for its database. Too low: one slow remote network holds everybody up.
   */
  readonly concurrency?: number
  /**
   * How long a request belongs to a process that is not heard of; at least 10,000. Default:
   * 30,000 ms. Too low: a process that is only slow is stopped, and its slices are done twice.
   * Too high: the requests of a dead process wait.
   */
  readonly leaseMs?: number
  /** How long `close` lets handlers go on before it aborts them. Default: 10,000 ms. */
  readonly drainMs?: number
  /** Told codes when connections or queries fail, in passing. Default: writes nothing. */
  readonly logger?: Logger
  /** What the database's time is measured against. Default: the machine's clock. */
  readonly clock?: Clock
}

/** What several processes share: to be spread into the options of `createErasure`. */
export interface PostgresEngine {
  /** Open requests, tombstones and records. Disconnecting it ends the scheduler's connections, too. */
  readonly store: StoreAdapter
  /** Which process works on which request, and when. */
  readonly scheduler: Scheduler
  /**
   * The database's time. Waits are stored as times: by its own clock, a host that is an hour off
   * would end everybody's an hour late, or early.
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
 * Has any number of processes, on any number of hosts, carry out erasure together on one
 * PostgreSQL database. Needs the packages `pg` and `pg-boss`. Connects when it is first used.
 *
 * @throws TypeError for an option that is unknown or out of range. Opening the store throws
 *   ErasureError `STORE_FOREIGN` if the schema is another program's or a newer version's,
 *   `STORE_FORBIDDEN` if the role lacks a right, `STORE_VOLATILE` if the server may lose what was
 *   committed, and `STORE_POOLED` behind a pooler that shares sessions.
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
  // All that `start` needs is found out before anything is accepted.
  const queue = { database, schema: queueSchema(schema), logger }
  const prepareMore = () => installBoss(queue)
  return {
    store: postgresStore({ database, schema, clock, prepareMore }),
    scheduler: pgBossScheduler({ ...options, database, schema, logger, clock }),
    clock,
  }
}
