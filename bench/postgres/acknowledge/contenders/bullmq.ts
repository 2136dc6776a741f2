import { Queue } from 'bullmq'

/** `add`, once per request. */
export async function openBullmq(
  url: string,
): Promise<(userId: string) => Promise<unknown>> {
  const { hostname, port } = new URL(url)
  const queue = new Queue('erase', { connection: { host: hostname, port: Number(port) } })
  await queue.waitUntilReady()
  return userId => queue.add('erase', { userId })
}
