import type { Client } from 'pg'

import { type Clock, sleep } from '../../../host/clock.ts'

/** How long a goodbye may take: on a dead network it never arrives. */
const GOODBYE_MS = 2000

/** Resolves once `client`'s session is over, or its socket destroyed. Never rejects. */
export async function endClient(client: Client, clock: Clock): Promise<void> {
  // How an unused connection ends does not matter.
  client.on('error', () => {})
  const done = new AbortController()
  const ended = client.end().then(
    () => done.abort(),
    () => done.abort(),
  )
  await Promise.race([ended, sleep(clock, GOODBYE_MS, done.signal)])
  client.connection.stream.destroy()
}
