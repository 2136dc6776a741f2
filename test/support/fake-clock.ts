import type { Clock } from '../../lib/host/clock.ts'

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** A clock that stands still until it is told to move. */
export interface FakeClock extends Clock {
  /** Fires every timer up to `ms` from now, in order, letting what it started run in between. */
  advance(ms: number): Promise<void>
  /** Moves from timer to timer until `condition` holds; fails after a real minute. */
  advanceUntil(condition: () => unknown): Promise<void>
  /** How many timers are armed. */
  readonly armed: number
}

export function fakeClock(start = Date.UTC(2026, 0, 1)): FakeClock {
  let now = start
  const timers = new Set<Timer>()
  const next = () => [...timers].toSorted((a, b) => a.at - b.at)[0]
  const fire = (timer: Timer) => {
    timers.delete(timer)
    now = Math.max(now, timer.at)
    timer.callback()
  }
  return {
    now: () => now,
    setTimer(callback, delayMs) {
      const timer = { at: now + Math.max(0, delayMs), callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    get armed() {
      return timers.size
    },
    async advance(ms) {
      const end = now + ms
      await breathe()
      for (let timer = next(); timer !== undefined && timer.at <= end; timer = next()) {
        fire(timer)
        await breathe()
      }
      now = end
      await breathe()
    },
    async advanceUntil(condition) {
      const deadline = Date.now() + 60_000
      for (;;) {
        await breathe()
        if (await condition()) return
        if (Date.now() > deadline) throw new Error('The condition never held')
        const timer = next()
        if (timer !== undefined) fire(timer)
      }
    },
  }
}

/** Lets everything that is under way in this process get as far as it can without time passing. */
export async function breathe(turns = 8): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate)
}
