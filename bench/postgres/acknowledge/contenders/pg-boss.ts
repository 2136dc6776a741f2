import { PgBoss } from 'pg-boss'

/** What the queue is called, in the measurement of draining too. */
export const QUEUE = 'erase'

/** A pg-boss that does nothing in the background, on a queue without a policy: its fastest. */
export async function openBoss(
  connectionString: string,
  useListenNotify = false,
): Promise<PgBoss> {
  const boss = new PgBoss({
    connectionString,
    useListenNotify,
    supervise: false,
    schedule: false,
  })
  boss.on('error', error => {
    throw error
  })
  await boss.start()
  await boss.createQueue(QUEUE, { notify: useListenNotify })
  return boss
}

/** `send`, once per request. */
export async function openPgBoss(
  url: string,
): Promise<(userId: string) => Promise<unknown>> {
  const boss = await openBoss(url)
  return userId => boss.send(QUEUE, { userId })
}
