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

/** How long to leave a request that could not be worked on, since its store failed perhaps. */
const STORE_RETRY_MS = 60_000

/** What having requests carried out takes, besides handlers. */
export interface RunnerOptions extends Omit<PurgeServices, 'plan' | 'forget' | 'isOurs'> {
  readonly scheduler: Scheduler
  readonly handOver: HandOver
  readonly sweepMs: number
  readonly drainMs: number
}

/** Has open requests carried out, from `start` to `close`: scheduler, sweep and forgetting. */
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

  /** Whether handlers are called already; also after a `start` that failed behind that. */
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

  /** Sees to it that nothing deleted is left on disk, in its own time. */
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
    // What does not unseal is tried once: its store may have been repaired.
    await this.#sweep.scheduleAll(request =>
      request.broken || asked.has(request.id) ? clock.now() : due(request),
    )
    this.#checkOpen()
    // Not waited for: it reads all open requests again.
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
      // Nothing is lost, since what is stored is where it goes on.
      this.#reportFailure(id, error)
      // A date also if it is taken: `undefined` would end what the scheduler knows of it, and
      // should nobody else have it after all, since a write of ours that went through may have
      // seemed to fail, it would wait for the sweep. If it is finished by then, nothing is done.
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
