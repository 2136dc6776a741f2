/** The longest delay a Node timer can hold; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

/** The source of time. Injected, so that a test can let a month pass in a millisecond. */
export interface Clock {
  /** The time in milliseconds since the Unix epoch. */
  now(): number
  /**
   * Calls `callback` once, no earlier than `delayMs` from now.
   * @returns a function that cancels it; cancelling late or twice does nothing
   */
  setTimer(callback: () => void, delayMs: number): () => void
}

/** The machine's clock. It also keeps delays longer than a Node timer allows (24.8 days). */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(callback, delayMs) {
    let left = Math.max(0, delayMs)
    let timer: NodeJS.Timeout
    const arm = () => {
      const part = Math.min(left, MAX_DELAY_MS)
      left -= part
      timer = setTimeout(() => (left > 0 ? arm() : callback()), part)
    }
    arm()
    return () => clearTimeout(timer)
  },
}

/** Resolves after `delayMs`, or at once when `signal` aborts. Never rejects. */
export function sleep(
  clock: Clock,
  delayMs: number,
  signal?: AbortSignal,
): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      cancel()
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.setTimer(done, delayMs)
    if (signal?.aborted) done()
    else signal?.addEventListener('abort', done)
  })
}
