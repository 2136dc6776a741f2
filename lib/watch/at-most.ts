import { type Clock, sleep } from '../host/clock.ts'

/** Waits for `work`, but for no longer than `ms`. Never rejects. */
export async function atMost(
  clock: Clock,
  ms: number,
  work: Promise<unknown> | undefined,
): Promise<void> {
  const over = new AbortController()
  const done = Promise.resolve(work).then(
    () => over.abort(),
    () => over.abort(),
  )
  await Promise.race([done, sleep(clock, ms, over.signal)])
}
