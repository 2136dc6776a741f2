import type { Clock } from '../../../lib/host/clock.ts'

interface Timer {
  readonly at: number
  readonly callback: () => void
  readonly isAlive: () => boolean
}

/** One time for every process; the timers of a process that crashed never fire. */
export class WorldClock {
  readonly start: number = Date.UTC(2026, 0, 1)
  now: number = this.start
  readonly #timers = new Set<Timer>()

  /** The clock as one process sees it. */
  of(isAlive: () => boolean): Clock {
    return {
      now: () => this.now,
      setTimer: (callback, delayMs) => {
        const timer = { at: this.now + Math.max(0, delayMs), callback, isAlive }
        this.#timers.add(timer)
        return () => this.#timers.delete(timer)
      },
    }
  }

  /** When the next timer fires; `undefined` if none is armed. */
  nextAt(): number | undefined {
    return this.#next()?.at
  }

  /** Moves to the next timer and fires it. */
  fireNext(): void {
    const timer = this.#next()
    if (timer === undefined) return
    this.#timers.delete(timer)
    this.now = Math.max(this.now, timer.at)
    timer.callback()
  }

  /** The earliest; of those of the same time, the one that was armed first. */
  #next(): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (!timer.isAlive()) this.#timers.delete(timer)
      else if (first === undefined || timer.at < first.at) first = timer
    }
    return first
  }
}
