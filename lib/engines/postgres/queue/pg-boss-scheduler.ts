import type { RequestId } from '../../../request/request-id.ts'
import type { UserTag } from '../../../user-seal/user-seal.ts'
import { sleep } from '../../../host/clock.ts'
import { ErasureError, isErasureError } from '../../../errors.ts'
import type { Scheduler, Work } from '../../../schedule/scheduler.ts'
import { queueSchema } from '../connection/schema-name.ts'
import { LOCKED, sqlStateOf } from '../connection/clean-error.ts'
import { elapsedMs, type Lease, Leases, type Moment, moment } from './lease.ts'
import { type Claim, openRequestQueue, type RequestQueue } from './request-queue.ts'
import { type PgBossSchedulerOptions, withDefaults } from './scheduler-options.ts'

/** How long to wait for a wake-up before polling. A dead process's entry wakes no process. */
const POLL_MS = 2000
/** How long to wait before sending a result again that could not be stored; doubles each time. */
const SETTLE_AGAIN_MS = 1000
const SETTLE_AGAIN_MAX_MS = 5 * 60 * 1000
/** How often to look for times that the database's clock wrote while it was ahead. */
const REPAIR_MS = 60_000
/** How long `close` waits for the database once no work runs: it may be gone. */
const LEAVE_MS = 5000

/**
 * Schedules for all processes on one PostgreSQL database, using pg-boss: one process works on each
 * request, and on one request of a group at a time. Connects on first use.
 *
 * Work is aborted before another process may begin on it: when three quarters of `leaseMs` have
 * passed since the database last heard of it, even if the process was stopped meanwhile.
 *
 * @throws TypeError if an option is out of range
 */
export function pgBossScheduler(options: PgBossSchedulerOptions): Scheduler {
  return new PgBossScheduler(withDefaults(options))
}

class PgBossScheduler implements Scheduler {
  readonly #options: Required<PgBossSchedulerOptions>
  readonly #leases: Leases
  /** The last run of each group here: one that lost its lease may still be running. */
  readonly #groups = new Map<string, Promise<unknown>>()
  readonly #runs = new Map<Lease, Promise<void>>()
  #busy = 0
  readonly #closed = new AbortController()
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
    this.#closed.abort()
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
      // Other processes take at once what was given back.
      await queue.wake().catch(() => {})
      await queue.close()
    } catch (error) {
      // The database is gone, and the other processes poll anyway.
      this.#options.logger.debug('pg-boss was left behind', { code: sqlStateOf(error) })
    }
  }

  /** Shared by all concurrent callers. If it fails, the next call tries again. */
  #open(): Promise<RequestQueue> {
    const { database, schema, leaseMs, clock, logger } = this.#options
    this.#opening ??= openRequestQueue({
      database,
      schema: queueSchema(schema),
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
    let repaired: Moment | undefined
    while (this.#closing === undefined) {
      // A ring from here on ends the next rest at once.
      this.#bell = new AbortController()
      let restMs = POLL_MS
      try {
        if (repaired === undefined || elapsedMs(repaired) >= REPAIR_MS) {
          repaired = moment()
          await queue.repairTimes()
        }
        restMs = await this.#round(queue, work)
      } catch (error) {
        logger.warn('Requests could not be fetched', { code: sqlStateOf(error) })
      }
      if (restMs > 0) await sleep(clock, restMs, this.#bell.signal)
    }
  }

  /** @returns how long there is nothing to do, unless the bell rings */
  async #round(queue: RequestQueue, work: Work): Promise<number> {
    if (this.#busy === this.#options.concurrency) return POLL_MS
    if (await this.#fetch(queue, work)) return 0
    const dueMs = (await queue.msUntilDue()) ?? POLL_MS
    // What became due in between is in neither answer.
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
    // Fetched while the scheduler was closing: give it to other processes at once.
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
    let againMs = SETTLE_AGAIN_MS
    while (lease.check()) {
      const code = await settleOnce(queue, lease, again)
      if (code === undefined) return
      const { id } = lease.claim
      logger.error('A result could not be stored', { requestId: id, code, againMs })
      // The request is then worked on again when the lease is over.
      if (this.#closing !== undefined) return
      await sleep(clock, againMs, this.#closed.signal)
      againMs = Math.min(2 * againMs, SETTLE_AGAIN_MAX_MS)
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

/** @returns the code of what went wrong */
async function settleOnce(
  queue: RequestQueue,
  { claim }: Lease,
  again: Date | undefined,
): Promise<string | undefined> {
  try {
    return (await queue.settle({ claim, again })) ? undefined : LOCKED
  } catch (error) {
    return sqlStateOf(error)
  }
}
