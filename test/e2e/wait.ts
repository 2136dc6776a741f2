import { setTimeout as delay } from 'node:timers/promises'

const PATIENCE_MS = 60_000
const PAUSE_MS = 50

/**
 * Waits until a condition holds, and rejects with `what` if it does not in a minute.
 *
 * @param condition - true, or what is the case instead
 * @param pauseMs - between two times that it is asked
 */
export async function until(
  what: string,
  condition: () => boolean | string | Promise<boolean | string>,
  pauseMs: number = PAUSE_MS,
): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const state = await condition()
    if (state === true) return
    if (Date.now() > deadline) {
      const instead = state === false ? '' : `; instead: ${state}`
      throw new Error(`It did not happen in a minute that ${what}${instead}`)
    }
    await delay(pauseMs)
  }
}
