import { performance } from 'node:perf_hooks'

import { type Clock, systemClock } from '../../../host/clock.ts'
import type { Claim } from './request-queue.ts'

/** How often to check leases: a tenth of the shortest. */
const TICK_MS = 1000
/** After which share of a lease we renew it, and give it up: well before it ends for others. */
const RENEW_SHARE = 1 / 3
const OVER_SHARE = 3 / 4
/** How long a renewal may take, so that another fits in before the lease is over. */
const ANSWER_SHARE = 1 / 5
/** Longer work must continue in another call: pg-boss ends it after 24 hours. */
const MAX_WORK_MS = 23 * 60 * 60 * 1000

/** A moment, by both of the machine's clocks. */
export interface Moment {
  readonly steady: number
  readonly wall: number
}

/**
 * Returns the current moment. Leases count from before a query is sent. A process that was stopped sees
 * on both clocks that time has passed. But the steady clock stands still while a machine sleeps, and
 * the other may be set back, so the larger difference counts.
 */
export function moment(): Moment {
  return { steady: performance.now(), wall: systemClock.now() }
}

/** How long ago that was. */
export function elapsedMs(since: Moment): number {
  const now = moment()
  return Math.max(now.steady - since.steady, now.wall - since.wall)
}

/** The right to work on an entry. */
export class Lease {
  readonly claim: Claim
  readonly #abort = new AbortController()
  readonly #claimedAt: Moment
  #renewedAt: Moment
  #isLost = false

  /** @param claimedAt - when the claim was sent */
  constructor(claim: Claim, claimedAt: Moment) {
    this.claim = claim
    this.#claimedAt = claimedAt
    this.#renewedAt = claimedAt
  }

  /** Aborts when the lease is over, or the work is to stop. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Whether the entry is certainly still ours. Once it is not, it never is again. */
  check(): boolean {
    if (!this.#isLost && elapsedMs(this.#renewedAt) >= this.claim.leaseMs * OVER_SHARE)
      this.lose()
    if (elapsedMs(this.#claimedAt) >= MAX_WORK_MS) this.stop()
    return !this.#isLost
  }

  /** Whether it is time to renew it. */
  isDue(): boolean {
    return elapsedMs(this.#renewedAt) >= this.claim.leaseMs * RENEW_SHARE
  }

  /** @param sentAt - when the renewal was sent, not when it was answered */
  renew(sentAt: Moment): void {
    this.#renewedAt = sentAt
  }

  /** Another process may work on it now. */
  lose(): void {
    this.#isLost = true
    this.stop()
  }

  /** Asks the work to come to an end. */
  stop(): void {
    this.#abort.abort()
  }
}

/** Sends a renewal, and returns the ids that are still ours, and whether each was renewed. */
export type Renew = (
  claims: readonly Claim[],
  timeoutMs: number,
) => Promise<ReadonlyMap<string, boolean>>

/** Keeps the leases of this process alive, and notices when it cannot. */
export class Leases {
  readonly #clock: Clock
  readonly #renew: Renew
  readonly #leases = new Set<Lease>()
  #isRenewing = false
  #cancelTick: (() => void) | undefined

  constructor(clock: Clock, renew: Renew) {
    this.#clock = clock
    this.#renew = renew
  }

  /** Renews the lease of `claim` from now on. */
  add(claim: Claim, claimedAt: Moment): Lease {
    const lease = new Lease(claim, claimedAt)
    this.#leases.add(lease)
    if (this.#cancelTick === undefined) this.#arm()
    return lease
  }

  /** Renews it no more. */
  remove(lease: Lease): void {
    this.#leases.delete(lease)
    if (this.#leases.size > 0) return
    this.#cancelTick?.()
    this.#cancelTick = undefined
  }

  /** Asks all work to come to an end. */
  stopAll(): void {
    for (const lease of this.#leases) lease.stop()
  }

  #arm(): void {
    this.#cancelTick = this.#clock.setTimer(() => {
      this.#arm()
      void this.#tick()
    }, TICK_MS)
  }

  async #tick(): Promise<void> {
    const held = [...this.#leases].filter(lease => lease.check())
    if (this.#isRenewing || !held.some(lease => lease.isDue())) return
    this.#isRenewing = true
    const sentAt = moment()
    try {
      const leaseMs = Math.min(...held.map(({ claim }) => claim.leaseMs))
      const claims = held.map(({ claim }) => claim)
      const ours = await this.#renew(claims, leaseMs * ANSWER_SHARE)
      for (const lease of held) {
        const renewed = ours.get(lease.claim.id)
        if (renewed === undefined) lease.lose()
        // One that stays locked runs out.
        else if (renewed && lease.check()) lease.renew(sentAt)
      }
    } catch {
      // The next tick tries again, and without an answer the leases run out.
    } finally {
      this.#isRenewing = false
    }
  }
}
