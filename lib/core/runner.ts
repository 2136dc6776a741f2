import { codeOf, ErasureError, isErasureError } from '../errors.ts'
import { carryOut } from '../purge/carry-out.ts'
import type { HandlerPlan } from '../purge/handler-plan.ts'
import type { PurgeServices } from '../purge/purge-services.ts'
import { nextDue } from '../request/bring-up-to-date.ts'
import type { OpenRequest } from '../request/open-request.ts'
import type { RequestId } from '../request/request-id.ts'
import type { Scheduler, Work } from '../schedule/scheduler.ts'
import { Forgetting } from './forgetting.ts'
import type { HandOver } from './hand-over.ts'
import { Sweep } from './sweep.ts'

/** How long to wait before working again on a request that failed, perhaps because of its store. */
const STORE_RETRY_MS = 60_000

/** What the runner needs, besides handlers. */
export interface RunnerOptions extends Omit<PurgeServices, 'plan' | 'forget' | 'isOurs'> {
  readonly scheduler: Scheduler
  readonly handOver: HandOver
  readonly sweepMs: number
  readonly drainMs: number
}

/** Runs scheduler, sweep and forgetting from `start` to `close`, so that requests are carried out. */
export class Runner {
  readonly #options: RunnerOptions
  readonly #sweep: Sweep
  readonly #forgetting: Forgetting
  #plan: HandlerPlan = []
  #hasBegun = false
  #isClosed = false

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#forgetting = new Forgetting(options)
    this.#sweep = new Sweep({ ...options, onDeleted: () => this.forget() })
  }

  /** Whether handlers may be called already; also true if `start` failed after that point. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** @throws ErasureError `CLOSED`, or what scheduler and store throw: it can be started again then */
  async start(plan: HandlerPlan): Promise<void> {
    try {
      await this.#start(plan)
    } catch (error) {
      this.#checkOpen()
      throw error
    }
  }

  /** Starts removing deleted data from the disk, without waiting for it. */
  forget(): void {
    this.#forgetting.begin()
  }

  /** Waits for handlers, and aborts them at the deadline. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#sweep.stop()
    await this.#forgetting.closeAfter(this.#options.scheduler.close())
  }

  async #start(plan: HandlerPlan): Promise<void> {
    const { scheduler, store, clock, settleMs } = this.#options
    this.#checkOpen()
    this.#plan = plan
    if (!this.#hasBegun) await scheduler.start(this.#work)
    this.#hasBegun = true
    this.#checkOpen()
    const due = (request: OpenRequest) => nextDue(request, plan, clock.now(), settleMs)
    const asked = await store.retriesAsked()
    // Try a request that cannot be unsealed once: its store may have been repaired.
    await this.#sweep.scheduleAll(request =>
      request.broken || asked.has(request.id) ? clock.now() : due(request),
    )
    this.#checkOpen()
    // Not awaited: it reads all open requests again.
    void this.#sweep.releaseOrphans()
    this.#sweep.repeat(due)
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new ErasureError('CLOSED', 'The SDK was closed')
  }

  readonly #work: Work = async (id, signal, isOurs = () => true) => {
    const forget = () => this.forget()
    try {
      return await carryOut(id, signal, {
        ...this.#options,
        plan: this.#plan,
        forget,
        isOurs,
      })
    } catch (error) {
      // Nothing is lost: the work continues from what is stored.
      this.#reportFailure(id, error)
      // Return a date even if another process has taken the request: with `undefined`, the scheduler
      // would forget it. If no other process has it after all, because a write of ours only seemed to
      // fail, it would wait for the sweep. If it is finished by then, nothing happens.
      return new Date(this.#options.clock.now() + STORE_RETRY_MS)
    }
  }

  #reportFailure(requestId: RequestId, error: unknown): void {
    this.#sweep.expectOrphans()
    const { emit } = this.#options
    if (isErasureError(error, 'REQUEST_TAKEN')) emit({ kind: 'request taken', requestId })
    else emit({ kind: 'work failed', requestId, code: codeOf(error) })
  }
}
