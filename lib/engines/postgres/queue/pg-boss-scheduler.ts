import type { RequestId } from '../../../request/request-id.ts'
import type { UserTag } from '../../../user-seal/user-seal.ts'
import { type Clock, sleep } from '../../../host/clock.ts'
import { ErasureError, isErasureError } from '../../../errors.ts'
import { type Logger, silentLogger } from '../../../host/logger.ts'
import type { Database } from '../connection/database.ts'
import type { Scheduler, Work } from '../../../schedule/scheduler.ts'
import { type Lease, Leases, type Moment, moment } from './lease.ts'
import { type Claim, openRequestQueue, type RequestQueue } from './request-queue.ts'
import { codeOf } from './start-boss.ts'

/** How long nobody looks whether something is due unless told. A dead process's entry is not. */
const POLL_MS = 2000
/** How long to wait before a result that could not be stored is sent again. */
const SETTLE_RETRY_MS = 1000
/** How long `close` waits for the database once no work runs: it may be gone. */
const LEAVE_MS = 5000
/** pg-boss's limit. */
const MIN_LEASE_MS = 10_000
/** pg-boss takes names of 50 bytes; ours has `_queue` behind it. */
const SCHEMA = /^[a-z_][a-z0-9_]{0,43}$/

/** How the scheduler that several processes share behaves. */
export interface PgBossSchedulerOptions {
  /** Where the queue lies. It is not closed by the scheduler. */
  readonly database: Database
  /**
   * pg-boss's tables are in the schema of this name with `_queue` behind it: lower-case letters,
   * digits and underscores, 44 at most. Processes with the same one share their work.
   */
  readonly schema: string
  /**
   * How many requests this process works on side by side. Default: 4. Too high: purges compete
   * with the bridge for its database. Too low: one slow remote network holds everybody up.
   */
  readonly concurrency?: number
  /**
   * How long after its last word a process is taken for dead, and another goes on with its
   * requests: this and up to six seconds. Default: 30,000 ms; at least 10,000, and rounded up to
   * seconds. Too high: a dead process's requests wait. Too low: a process that is only slow is
   * stopped, and its slices are done twice.
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

/**
 * Schedules for all processes on one PostgreSQL database, by pg-boss: each request is worked on
 * by one of them, and one request of a group at a time. Connects when it is first used.
 *
 * Work is aborted before another process may begin on it: when three quarters of `leaseMs` have
 * passed since the database last heard of it, even if the process was stopped meanwhile.
 *
 * @throws TypeError if an option is out of range
 */
export function pgBossScheduler(options: PgBossSchedulerOptions): Scheduler {
  return new PgBossScheduler(withDefaults(options))
}

function withDefaults(options: PgBossSchedulerOptions): Required<PgBossSchedulerOptions> {
  const { concurrency = 4, leaseMs = 30_000, drainMs = 10_000 } = options
  if (!SCHEMA.test(options.schema)) {
    throw new TypeError(
      `Expected \`schema\` to be at most 44 lower-case letters, digits and _, got ${options.schema}`,
    )
  }
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

class PgBossScheduler implements Scheduler {
  readonly #options: Required<PgBossSchedulerOptions>
  readonly #leases: Leases
  /** The last run of each group here: one that lost its lease may still be at it. */
  readonly #groups = new Map<string, Promise<unknown>>()
  readonly #runs = new Map<Lease, Promise<void>>()
  #busy = 0
  #bell = new AbortController()
  #opening: Promise<RequestQueue> | undefined
  #looping: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(options: Required<PgBossSchedulerOptions>) {
    this.#options = options
    this.#leases = new Leases(options.clock, async (claims, timeoutMs) => {
      const queue = await this.#open()
      return queue.renew(claims, timeoutMs)
    })
  }

  async schedule(id: RequestId, at: Date, group: UserTag): Promise<void> {
    if (this.#closing !== undefined) return
    try {
      const queue = await this.#open()
      await queue.add({ id, at: at.getTime(), group })
    } catch (error) {
      throw this.#failure('STORE_UNWRITABLE', 'a request could not be scheduled', error)
    }
    this.#ring()
  }

  async start(work: Work): Promise<void> {
    let queue: RequestQueue
    try {
      queue = await this.#open()
    } catch (error) {
      throw this.#failure('STORE_UNREADABLE', 'pg-boss could not be started', error)
    }
    if (this.#closing === undefined) this.#looping ??= this.#loop(queue, work)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { clock, drainMs } = this.#options
    this.#ring()
    const cancelDrain = clock.setTimer(() => this.#leases.stopAll(), drainMs)
    await Promise.all(this.#groups.values())
    cancelDrain()
    const left = new AbortController()
    const leaving = this.#leave().finally(() => left.abort())
    await Promise.race([leaving, sleep(clock, LEAVE_MS, left.signal)])
  }

  /** Tells the database what became of the work, and stops pg-boss. */
  async #leave(): Promise<void> {
    await this.#looping
    await Promise.all(this.#runs.values())
    const queue = await this.#opening?.catch(() => undefined)
    if (queue === undefined) return
    try {
      // Others take at once what was given back.
      await queue.wake().catch(() => {})
      await queue.close()
    } catch (error) {
      // The database is gone, and the others look by themselves.
      this.#options.logger.debug('pg-boss was left behind', { code: codeOf(error) })
    }
  }

  /** Shared by all who come meanwhile, and tried again by the next if it fails. */
  #open(): Promise<RequestQueue> {
    const { database, schema, leaseMs, clock, logger } = this.#options
    this.#opening ??= openRequestQueue({
      database,
      schema: `${schema}_queue`,
      clock,
      logger,
      leaseSeconds: Math.ceil(leaseMs / 1000),
      onWake: () => this.#ring(),
    }).catch((error: unknown) => {
      this.#opening = undefined
      throw error
    })
    return this.#opening
  }

  /** An abort makes an error with a stack, also where it was aborted before. */
  #ring(): void {
    if (!this.#bell.signal.aborted) this.#bell.abort()
  }

  async #loop(queue: RequestQueue, work: Work): Promise<void> {
    const { clock, logger } = this.#options
    while (this.#closing === undefined) {
      // Whoever rings from here on has the next rest end at once.
      this.#bell = new AbortController()
      let restMs = POLL_MS
      try {
        restMs = await this.#round(queue, work)
      } catch (error) {
        logger.warn('Requests could not be fetched', { code: codeOf(error) })
      }
      if (restMs > 0) await sleep(clock, restMs, this.#bell.signal)
    }
  }

  /** @returns how long there is nothing to do, unless the bell rings */
  async #round(queue: RequestQueue, work: Work): Promise<number> {
    if (this.#busy === this.#options.concurrency) return POLL_MS
    if (await this.#fetch(queue, work)) return 0
    const dueMs = (await queue.nextDueMs()) ?? POLL_MS
    // What fell due in between is in neither answer.
    if (await this.#fetch(queue, work)) return 0
    return Math.min(Math.max(dueMs, 1), POLL_MS)
  }

  /** @returns whether there may be more: of a group, only one is fetched at a time */
  async #fetch(queue: RequestQueue, work: Work): Promise<boolean> {
    const sentAt = moment()
    const claims = await queue.claim(this.#options.concurrency - this.#busy)
    for (const claim of claims ?? []) this.#begin(queue, claim, sentAt, work)
    return claims === undefined || claims.length > 0
  }

  #begin(queue: RequestQueue, claim: Claim, sentAt: Moment, work: Work): void {
    const lease = this.#leases.add(claim, sentAt)
    const working = this.#call(lease, this.#groups.get(claim.group), work)
    this.#busy += 1
    this.#groups.set(claim.group, working)
    this.#runs.set(lease, this.#finish(queue, lease, working))
  }

  async #call(
    lease: Lease,
    before: Promise<unknown> | undefined,
    work: Work,
  ): Promise<Date | undefined> {
    await before
    // Fetched while the scheduler was closing: for others, at once.
    if (this.#closing !== undefined || !lease.check()) {
      return new Date(this.#options.clock.now())
    }
    return work(lease.claim.id, lease.signal, () => lease.check())
  }

  async #finish(
    queue: RequestQueue,
    lease: Lease,
    working: Promise<Date | undefined>,
  ): Promise<void> {
    const again = await working
    const { group } = lease.claim
    if (this.#groups.get(group) === working) this.#groups.delete(group)
    this.#busy -= 1
    this.#ring()
    await this.#settle(queue, lease, again)
    this.#leases.remove(lease)
    this.#runs.delete(lease)
    // Others of the group may be fetched now.
    this.#ring()
  }

  async #settle(
    queue: RequestQueue,
    lease: Lease,
    again: Date | undefined,
  ): Promise<void> {
    const { clock, logger } = this.#options
    while (lease.check()) {
      try {
        await queue.settle({ claim: lease.claim, again })
        return
      } catch (error) {
        logger.warn('A result could not be stored', { code: codeOf(error) })
        // The request is then worked on again when the lease is over.
        if (this.#closing !== undefined) return
        await sleep(clock, SETTLE_RETRY_MS)
      }
    }
  }

  #failure(
    code: 'STORE_UNREADABLE' | 'STORE_UNWRITABLE',
    what: string,
    cause: unknown,
  ): ErasureError {
    if (isErasureError(cause)) return cause
    const { location } = this.#options.database
    return new ErasureError(code, `${location}: ${what}; is the database up?`, {
      store: location,
      cause,
    })
  }
}
