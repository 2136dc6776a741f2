import type { Clock } from './clock.ts'

/** If a clock is further ahead of a timer than this, it has jumped, or the machine has slept. */
const TOLERANCE_MS = 60 * 60 * 1000

/**
 * Detects a clock that jumps. Just after a jump, expired documents must not be deleted: a machine
 * whose clock is years ahead for a moment would lose all of them.
 *
 * @returns a function to call after each timer, with the timer's delay: whether the clock has jumped
 *   since the last call
 */
export function watchForJumps(clock: Clock): (timerMs: number) => boolean {
  let last = clock.now()
  return timerMs => {
    const now = clock.now()
    const elapsedMs = now - last
    last = now
    return elapsedMs < 0 || elapsedMs > timerMs + TOLERANCE_MS
  }
}
