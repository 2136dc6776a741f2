import type { DatabaseSync } from 'node:sqlite'

import { type Clock, sleep } from '../../clock.ts'

/** How long to leave a reader that still holds a snapshot before the next try. */
const RETRY_MS = 250

/**
 * Empties the write-ahead log, where SQLite keeps deleted rows until it is truncated.
 *
 * @returns whether the log is empty now; a reader that holds a snapshot prevents it
 */
export function tryCheckpoint(database: DatabaseSync): boolean {
  // TRUNCATE answers busy=1 and leaves everything as it was while somebody reads.
  const answer = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()
  return (answer as { busy: number }).busy === 0
}

/** Checkpoints until it succeeds; callers who come while one is awaited share the next. */
export class Checkpointer {
  readonly #database: DatabaseSync
  readonly #clock: Clock
  #next: Promise<void> | undefined
  readonly #closed = new AbortController()

  constructor(database: DatabaseSync, clock: Clock) {
    this.#database = database
    this.#clock = clock
  }

  /** Resolves when what was deleted before the call is gone, or when `signal` aborts. */
  async forget(signal?: AbortSignal): Promise<void> {
    this.#next ??= this.#run()
    const aborted = Promise.withResolvers<void>()
    const stop = () => aborted.resolve()
    signal?.addEventListener('abort', stop)
    if (signal?.aborted) stop()
    await Promise.race([this.#next, aborted.promise])
    signal?.removeEventListener('abort', stop)
  }

  /** No checkpoint starts after this. */
  close(): void {
    this.#closed.abort()
  }

  async #run(): Promise<void> {
    try {
      // One turn later, so that requests that finish together share one checkpoint.
      await new Promise(setImmediate)
      while (!this.#closed.signal.aborted && !tryCheckpoint(this.#database)) {
        await sleep(this.#clock, RETRY_MS, this.#closed.signal)
      }
    } finally {
      this.#next = undefined
    }
  }
}
