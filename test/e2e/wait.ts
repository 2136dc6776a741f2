import { setTimeout as delay } from 'node:timers/promises'

const PATIENCE_MS = 60_000
const PAUSE_MS = 50

/** Waits until a condition holds, and rejects with `what` if it does not in a minute. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await condition())) {
    if (Date.now() > deadline)
      throw new Error(`It did not happen in a minute that ${what}`)
    await delay(PAUSE_MS)
  }
}
