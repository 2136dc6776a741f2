import type { DatabaseSync } from 'node:sqlite'

import { type Clock, sleep } from '../../host/clock.ts'
import type { StoreDatabase } from './held-database.ts'
import { APPLICATION_ID } from './open-database.ts'

/** How long to leave a reader that still holds a snapshot before the next try. */
const RETRY_MS = 250
/** How long deleted data may stay in the log without a call of `forget`, which costs four fsyncs. */
const FORGET_MS = 10_000

/**
 * Empties the write-ahead log, where SQLite keeps deleted rows until it is truncated.
 *
 * The log is truncated only while a single transaction is in it. SQLite assumes that a truncation is
 * either complete or has not begun, but file systems do not promise that: btrfs, for example, frees a
 * long file in several transactions, its end first. After a power cut in between, SQLite would find the
 * first transactions of the log but not the last, and restore pages as they were long ago: requests
 * answered 200 would be lost, or the database would not open. SQLite ignores a part of a transaction.
 *
 * @returns whether the log is empty now; a reader that holds a snapshot prevents it, or a full
 *   disk, and both go away
 */
export function tryCheckpoint(database: DatabaseSync): boolean {
  try {
    const { busy, log } = checkpoint(database, 'RESTART')
    if (busy !== 0) return false
    // All that was in the log is in the database, durably: the next write begins the log anew.
    if (log > 0) database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
    return checkpoint(database, 'TRUNCATE').busy === 0
  } catch {
    return false
  }
}

/** Returns `busy` and leaves the log as it was while another connection reads from it. */
function checkpoint(
  database: DatabaseSync,
  mode: 'RESTART' | 'TRUNCATE',
): { readonly busy: number; readonly log: number } {
  const answer = database.prepare(`PRAGMA wal_checkpoint(${mode})`).get()
  return answer as { busy: number; log: number }
}

/** Checkpoints until it succeeds. Calls that arrive meanwhile share the next checkpoint. */
export class Checkpointer {
  readonly #held: StoreDatabase
  readonly #clock: Clock
  #next: Promise<void> | undefined
  #cancelSoon: (() => void) | undefined
  readonly #closed = new AbortController()

  constructor(held: StoreDatabase, clock: Clock) {
    this.#held = held
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

  /** Forgets in a while, together with what is deleted meanwhile. */
  forgetSoon(): void {
    if (this.#closed.signal.aborted) return
    this.#cancelSoon ??= this.#clock.setTimer(() => {
      this.#cancelSoon = undefined
      void this.forget()
    }, FORGET_MS)
  }

  /** No checkpoint starts after this. */
  close(): void {
    this.#closed.abort()
    this.#cancelSoon?.()
  }

  async #run(): Promise<void> {
    try {
      // One turn later, so that requests that finish together share one checkpoint.
      await new Promise(setImmediate)
      while (!this.#closed.signal.aborted && !this.#tryOnce()) {
        await sleep(this.#clock, RETRY_MS, this.#closed.signal)
      }
    } finally {
      this.#next = undefined
    }
  }

  /** If other processes can write the files, does nothing, and cannot know that data is gone. */
  #tryOnce(): boolean {
    try {
      this.#held.ensureHeld()
      if (!tryCheckpoint(this.#held.database)) return false
      this.#held.confirmHeld()
      return true
    } catch {
      return false
    }
  }
}
