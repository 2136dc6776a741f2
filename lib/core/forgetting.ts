import type { Clock } from '../host/clock.ts'
import type { EmitEvent } from '../request/erasure-event.ts'
import type { ErasureStore } from '../store/erasure-store.ts'

/** How long what was deleted may stay in the store's log before somebody is told. */
const PATIENCE_MS = 30_000

/** What forgetting takes. */
export interface ForgettingContext {
  readonly store: Pick<ErasureStore, 'forget'>
  readonly clock: Clock
  readonly drainMs: number
  readonly emit: EmitEvent
}

/**
 * Sees to it that nothing deleted is left on disk. Nobody waits for it but `close`: a reader that
 * keeps a snapshot of the store delays it for as long as it likes.
 */
export class Forgetting {
  readonly #context: ForgettingContext
  readonly #closed = new AbortController()
  #running: Promise<void> | undefined
  #isAsked = false

  constructor(context: ForgettingContext) {
    this.#context = context
  }

  /** Something was deleted just now. All that is deleted meanwhile is forgotten at once. */
  begin(): void {
    this.#isAsked = true
    this.#running ??= this.#run()
  }

  /** Waits for `work` to end, and for what it has deleted; all that for `drainMs` at most. */
  async closeAfter(work: Promise<void>): Promise<void> {
    const { clock, drainMs } = this.#context
    const cancel = clock.setTimer(() => this.#closed.abort(), drainMs)
    try {
      await work
      await this.#running
    } finally {
      cancel()
    }
  }

  async #run(): Promise<void> {
    while (this.#isAsked && !this.#closed.signal.aborted) {
      this.#isAsked = false
      await this.#forget()
    }
    this.#running = undefined
  }

  async #forget(): Promise<void> {
    const { store, clock, emit } = this.#context
    const patience = new AbortController()
    const cancel = clock.setTimer(() => patience.abort(), PATIENCE_MS)
    try {
      await store.forget(AbortSignal.any([this.#closed.signal, patience.signal]))
    } catch {
      patience.abort()
    } finally {
      cancel()
    }
    if (patience.signal.aborted) emit({ kind: 'forgetting delayed' })
  }
}
