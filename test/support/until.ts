import { setTimeout as pause } from 'node:timers/promises'

const PATIENCE_MS = 60_000

/** Waits until something holds, and rejects if it never does. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Waited in vain until ${what}`)
    await pause(20)
  }
}
