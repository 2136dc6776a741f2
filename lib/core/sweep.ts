import type { Clock } from '../host/clock.ts'
import { watchForJumps } from '../host/clock-jump.ts'
import type { HandOver } from './hand-over.ts'
import { codeOf } from '../errors.ts'
import type { EmitEvent } from '../request/erasure-event.ts'
import type { ErasureStore } from '../store/erasure-store.ts'
import type { OpenRequest } from '../request/open-request.ts'

/** How many requests to hand over at once: with a scheduler on a network, each is a round trip. */
const PAGE_REQUESTS = 500

/** How often to search the store for documents that have expired, or have a wrong expiry. */
const REVIEW_MS = 24 * 60 * 60 * 1000
/** What the sweep needs. */
export interface SweepContext {
  readonly store: Pick<ErasureStore, 'openRequests' | 'releaseOrphans' | 'reviewTimes'>
  readonly handOver: HandOver
  readonly clock: Clock
  readonly sweepMs: number
  readonly tombstoneMs: number
  readonly emit: EmitEvent
  /** Told that documents may have been deleted. */
  readonly onDeleted: () => void
}

/**
 * Hands open requests from the store, which is the truth, to the scheduler, which may forget. So a
 * crash between the durable write and `schedule` loses nothing. Several processes may sweep the same
 * store: if a request is scheduled for several times, the earliest wins.
 */
export class Sweep {
  readonly #context: SweepContext
  #cancel: () => void = () => {}
  #stopped = false
  #mayHaveOrphans = true
  readonly #hasJumped: (timerMs: number) => boolean
  #sweepsToReview = 0

  constructor(context: SweepContext) {
    this.#context = context
    this.#hasJumped = watchForJumps(context.clock)
  }

  /**
   * Schedules every open request for the time `due` says, in order, by the page; `undefined`
   * leaves it out.
   *
   * @throws ErasureError `STORE_UNREADABLE`
   */
  async scheduleAll(due: (request: OpenRequest) => number | undefined): Promise<void> {
    let page: Promise<void>[] = []
    for await (const request of this.#context.store.openRequests()) {
      if (this.#stopped) break
      const at = due(request)
      if (at === undefined) continue
      // Requests due now are ordered by receipt, so that new ones come last.
      const isDue = at <= this.#context.clock.now()
      const since = isDue ? Math.min(at, request.receivedAt) : at
      page.push(this.#context.handOver(request, since))
      if (page.length < PAGE_REQUESTS) continue
      await Promise.all(page)
      page = []
    }
    await Promise.all(page)
  }

  /** Completes what finished requests left undone. If that fails, the next sweep tries again. */
  async releaseOrphans(): Promise<void> {
    const { store, tombstoneMs, emit } = this.#context
    try {
      await store.releaseOrphans(tombstoneMs)
      this.#mayHaveOrphans = false
    } catch (error) {
      if (this.#stopped) return
      emit({ kind: 'sweep failed', code: codeOf(error) })
    }
  }

  /** Call it when work on a request failed: the request may be only half finished. */
  expectOrphans(): void {
    this.#mayHaveOrphans = true
  }

  /** Sweeps every `sweepMs` from now on. */
  repeat(due: (request: OpenRequest) => number | undefined): void {
    this.#hasJumped(0)
    this.#arm(due)
  }

  /** Stops scheduling. */
  stop(): void {
    this.#stopped = true
    this.#cancel()
  }

  #arm(due: (request: OpenRequest) => number | undefined): void {
    const { clock, sweepMs, emit } = this.#context
    const sweep = async () => {
      try {
        await this.scheduleAll(due)
        if (this.#mayHaveOrphans) await this.releaseOrphans()
        await this.#reviewTimes()
      } catch (error) {
        emit({ kind: 'sweep failed', code: codeOf(error) })
      }
      this.#arm(due)
    }
    if (!this.#stopped) this.#cancel = clock.setTimer(() => void sweep(), sweepMs)
  }

  /**
   * Runs at the first sweep, and then once a day. Not if the clock has jumped since the last sweep: it
   * may take a document for expired that is not.
   */
  async #reviewTimes(): Promise<void> {
    const { store, sweepMs, onDeleted } = this.#context
    const hasJumped = this.#hasJumped(sweepMs)
    this.#sweepsToReview -= 1
    if (this.#stopped || this.#sweepsToReview > 0 || hasJumped) return
    await store.reviewTimes()
    this.#sweepsToReview = Math.ceil(REVIEW_MS / sweepMs)
    onDeleted()
  }
}
