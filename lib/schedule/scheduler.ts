import type { RequestId } from '../request/request-id.ts'
import type { UserTag } from '../user-seal/user-seal.ts'

/** How many requests a process works on side by side, unless told otherwise. */
export const DEFAULT_CONCURRENCY = 4
/** How long closing lets work in progress go on before it aborts it, unless told otherwise. */
export const DEFAULT_DRAIN_MS = 10_000

/**
 * Works on one open request.
 *
 * @param signal - aborts when the scheduler closes and its patience is over, and before another
 *   process may begin on the request because this one could not be heard of
 * @param isOurs - asked before each step: a process that was stopped and goes on may come to the
 *   next step before it comes to its timers, and so to the signal. Absent where nobody else is.
 * @returns when to call again, or `undefined` if there is nothing more to do. Never rejects.
 */
export type Work = (
  id: RequestId,
  signal: AbortSignal,
  isOurs?: () => boolean,
) => Promise<Date | undefined>

/**
 * Decides when an open request is worked on, and by which process. It carries request ids and
 * keyed tags, never a user ID. The store is the truth: a scheduler may forget, since every open
 * request is scheduled again at start and by a sweep every few minutes.
 *
 * Not part of the contract: retries, priorities, results, and being called exactly once.
 */
export interface Scheduler {
  /**
   * Has `work(id)` called no earlier than `at`, by one process at a time per `group`.
   * Called again for the same id: the earlier time wins.
   */
  schedule(id: RequestId, at: Date, group: UserTag): Promise<void>
  /** Starts calling `work`. Ids scheduled before are kept. */
  start(work: Work): Promise<void>
  /** Calls no more work, and resolves when no work runs any more. */
  close(): Promise<void>
}
