import type { Clock } from '../../../host/clock.ts'
import { type Logger, silentLogger } from '../../../host/logger.ts'
import { DEFAULT_CONCURRENCY, DEFAULT_DRAIN_MS } from '../../../schedule/scheduler.ts'
import type { Database } from '../connection/database.ts'
import { checkSchema } from '../connection/schema-name.ts'

/** pg-boss's limit. */
const MIN_LEASE_MS = 10_000

/** How the scheduler that several processes share behaves. */
export interface PgBossSchedulerOptions {
  /** Where the queue lies. It is not closed by the scheduler. */
  readonly database: Database
  /**
   * pg-boss's tables are in the schema of this name with `_queue` behind it: a small letter or
   * `_`, then up to 39 of these or digits. Processes with the same one share their work.
   */
  readonly schema: string
  /**
   * How many requests this process works on side by side. Default: 4. Too high: purges compete
   * with the bridge for its database. Too low: one slow remote network holds everybody up.
   */
  readonly concurrency?: number
  /**
   * How long after its last word a process is taken for dead, and another goes on with its
   * requests: this and up to seven seconds (ended leases are looked for every two to four, work
   * every two), while the database answers and somebody has a place free. Default: 30,000 ms; at
   * least 10,000, and rounded up to seconds. Too high: a dead process's requests wait. Too low: a
   * process that is only slow is stopped, and its slices are done twice.
   */
  readonly leaseMs?: number
  /**
   * How long `close` lets work in progress go on before it aborts it. Default: 10,000 ms. Too
   * high: the service manager kills the process first. Too low: slices are done twice.
   */
  readonly drainMs?: number
  /** A clock that goes by the database's time: all times are compared with that. */
  readonly clock: Clock
  /** Told codes of errors only. Default: writes nothing. */
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
