import type { RequestId } from '../request/request-id.ts'
import type { UserTag } from '../user-seal/user-seal.ts'

/** How many requests a process works on at the same time, by default. */
export const DEFAULT_CONCURRENCY = 4
/** How long closing waits for work in progress before it aborts it, by default. */
export const DEFAULT_DRAIN_MS = 10_000

/**
 * Works on one open request.
 *
 * @param signal - aborts when the scheduler closes and `drainMs` has passed, and before another
 *   process may take over the request because this one's lease is running out
 * @param isOurs - asked before each step: a process that was paused and resumes may reach the next
 *   step before its timers fire, and so before the signal. Absent if processes share no queue.
 * @returns when to call again, or `undefined` if there is nothing more to do. Never rejects.
 */
export type Work = (
  id: RequestId,
  signal: AbortSignal,
  isOurs?: () => boolean,
) => Promise<Date | undefined>

/**
 * Decides when an open request is worked on, and by which process. It carries request ids and
 * keyed tags, never a user ID. The store is the truth: a scheduler may forget, because the SDK
 * schedules every open request again at start and in a sweep every few minutes.
 *
 * Not part of the contract: retries, priorities, results, and being called exactly once.
 */
export interface Scheduler {
  /**
   * Arranges for `work(id)` to be called no earlier than `at`, by one process at a time per `group`.
   * If it is called again for the same id, the earlier time wins.
   */
  schedule(id: RequestId, at: Date, group: UserTag): Promise<void>
  /** Starts calling `work`, also for ids that were scheduled before. */
  start(work: Work): Promise<void>
  /** Stops calling `work`, and resolves when no work is running any more. */
  close(): Promise<void>
}
