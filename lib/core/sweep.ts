import type { Clock } from '../host/clock.ts'
import { codeOf } from '../errors.ts'
import type { EmitEvent } from '../request/erasure-event.ts'
import type { Scheduler } from '../schedule/scheduler.ts'
import type { ErasureStore } from '../store/erasure-store.ts'
import type { OpenRequest } from '../request/open-request.ts'

/** How many requests are handed over at once: with a scheduler on a network each is a round trip. */
const PAGE_REQUESTS = 500

/** What bringing requests to the scheduler takes. */
export interface SweepContext {
  readonly store: Pick<ErasureStore, 'openRequests'>
  readonly scheduler: Scheduler
  readonly clock: Clock
  readonly sweepMs: number
  readonly emit: EmitEvent
}

/**
 * Brings open requests from the store, which is the truth, to the scheduler, which may forget:
 * a crash between the durable write and `schedule` loses nothing. Several processes may sweep
 * the same store: of the times a request is scheduled for, the earliest wins.
 */
export class Sweep {
  readonly #context: SweepContext
  #cancel: () => void = () => {}
  #stopped = false

  constructor(context: SweepContext) {
    this.#context = context
  }

  /** Hands a request to the scheduler; if that fails, the next sweep does it. */
  async schedule({ id, tag }: OpenRequest, at: number): Promise<void> {
    const { scheduler, emit } = this.#context
    try {
      await scheduler.schedule(id, new Date(at), tag)
    } catch (error) {
      emit({ kind: 'schedule failed', requestId: id, code: codeOf(error) })
    }
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
      page.push(this.schedule(request, at))
      if (page.length < PAGE_REQUESTS) continue
      await Promise.all(page)
      page = []
    }
    await Promise.all(page)
  }

  /** Sweeps every `sweepMs` from now on. */
  repeat(due: (request: OpenRequest) => number | undefined): void {
    const { clock, sweepMs, emit } = this.#context
    const sweep = async () => {
      try {
        await this.scheduleAll(due)
      } catch (error) {
        emit({ kind: 'sweep failed', code: codeOf(error) })
      }
      if (!this.#stopped) this.repeat(due)
    }
    this.#cancel = clock.setTimer(() => void sweep(), sweepMs)
  }

  /** Schedules nothing any more. */
  stop(): void {
    this.#stopped = true
    this.#cancel()
  }
}
