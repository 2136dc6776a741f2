import type { Clock } from '../../../host/clock.ts'
import { type Logger, silentLogger } from '../../../host/logger.ts'
import { DEFAULT_CONCURRENCY, DEFAULT_DRAIN_MS } from '../../../schedule/scheduler.ts'
import type { Database } from '../connection/database.ts'
import { checkSchema } from '../connection/schema-name.ts'

/** pg-boss's limit. */
const MIN_LEASE_MS = 10_000

/** How the scheduler that several processes share behaves. */
export interface PgBossSchedulerOptions {
  /** The database of the queue. The scheduler does not close it. */
  readonly database: Database
  /**
   * pg-boss's tables are in the schema of this name with `_queue` appended: a lower-case letter or
   * `_`, then up to 39 of these or digits. Processes with the same schema share their work.
   */
  readonly schema: string
  /**
   * How many requests this process works on at the same time. Default: 4. Too low: one slow remote
   * network holds up all requests. Too high: purges compete with the bridge for its database.
   */
  readonly concurrency?: number
  /**
   * How long after its last sign of life a process counts as dead, so that another takes over its
   * requests. Taking over needs up to seven seconds more (processes look for ended leases every two
   * to four seconds, for work every two), a database that answers, and a process with a free place.
   * Default: 30,000 ms; at least 10,000, and rounded up to seconds. Too low: a process that is only
   * slow loses its requests, and their slices are done twice. Too high: a dead process's requests
   * wait that long.
   */
  readonly leaseMs?: number
  /**
   * How long `close` waits for work in progress before it aborts it. Default: 10,000 ms. Too low:
   * slices are done twice. Too high: the service manager kills the process first.
   */
  readonly drainMs?: number
  /** A clock that shows the database's time: all times are compared with that. */
  readonly clock: Clock
  /** Receives only the codes of errors. Default: none. */
  readonly logger?: Logger
}

/** @throws TypeError if an option is out of range */
export function withDefaults(
  options: PgBossSchedulerOptions,
): Required<PgBossSchedulerOptions> {
  const {
    concurrency = DEFAULT_CONCURRENCY,
    leaseMs = 30_000,
    drainMs = DEFAULT_DRAIN_MS,
  } = options
  checkSchema(options.schema)
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new TypeError(
      `Expected \`concurrency\` to be an integer >= 1, got ${concurrency}`,
    )
  }
  if (!(leaseMs >= MIN_LEASE_MS && leaseMs < Infinity)) {
    throw new TypeError(
      `Expected \`leaseMs\` to be a number >= ${MIN_LEASE_MS}, got ${leaseMs}`,
    )
  }
  return { logger: silentLogger, ...options, concurrency, leaseMs, drainMs }
}
