import type { Clock } from '../host/clock.ts'
import type { EmitEvent } from '../request/erasure-event.ts'
import type { ErasureStore } from '../store/erasure-store.ts'

/** How long deleted data may stay in the store's log before it is reported. */
const PATIENCE_MS = 30_000

/** What forgetting needs. */
export interface ForgettingContext {
  readonly store: Pick<ErasureStore, 'forget'>
  readonly clock: Clock
  readonly drainMs: number
  readonly emit: EmitEvent
}

/**
 * Ensures that nothing deleted is left on disk. Only `close` waits for it: a reader that keeps a
 * snapshot of the store can delay it indefinitely.
 */
export class Forgetting {
  readonly #context: ForgettingContext
  readonly #closed = new AbortController()
  #running: Promise<void> | undefined
  #isAsked = false

  constructor(context: ForgettingContext) {
    this.#context = context
  }

  /** Call it after a deletion. Everything deleted while it runs is forgotten in one further run. */
  begin(): void {
    this.#isAsked = true
    this.#running ??= this.#run()
  }

  /** Waits for `work` to end and for its deletions to be forgotten, at most `drainMs` in all. */
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
