import type { Clock } from './clock.ts'

/** A clock that has gone further than this beyond what a timer says has jumped, or the machine slept. */
const TOLERANCE_MS = 60 * 60 * 1000

/**
 * Tells a clock that goes from one that jumps. What a clock says is past its time must not be deleted
 * just after a jump: a machine whose clock is years ahead for a moment would lose all of it.
 *
 * @returns asked after each timer, with how long that was set for: whether the clock has jumped since
 *   it was asked last
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
