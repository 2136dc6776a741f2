// Rita's account is reactivated. She comes back, and is erased anew.
import assert from 'node:assert/strict'

import { type Client, deactivate, join, write } from '../homeserver/client.ts'
import { until } from '../wait.ts'
import { passwordOf, type World } from '../world.ts'
import { dump } from './checks.ts'
import { dressUp, type People, type Say } from './people.ts'

const LAST_WORDS = 'It is good to be back'
/** Between two messages of somebody who wonders why nobody hears them. */
const PATIENCE_MS = 300

/** Somebody who came back, and what the bridges have of them since. */
export interface Returned {
  readonly client: Client
  readonly dump: readonly string[]
}

/** What she writes is kept as soon as the bridges know that she is back. */
export async function comeBack(
  world: World,
  { room, rita }: People,
  say: Say,
): Promise<Returned> {
  const { admin, bridges } = world
  const { userId } = rita
  await admin.reactivate(userId, passwordOf(userId))
  assert.deepEqual(await admin.flagsOf(userId), { deactivated: false, erased: false })
  const client = await world.logIn(userId)
  await dressUp(client)
  await join(client, room)
  let tries = 0
  const isHeard = async () => {
    tries += 1
    await write(client, room, `Can you hear me? ${tries}`)
    return bridges.every(bridge => bridge.messagesOf(userId) > 0)
  }
  await until('both bridges keep what Rita writes', isHeard, PATIENCE_MS)
  await write(client, room, LAST_WORDS)
  for (const bridge of bridges)
    await until(`the ${bridge.name} bridge has Rita's last words`, () =>
      bridge.dumpOf([userId]).includes(LAST_WORDS),
    )
  say('The admin reactivates Rita; she comes back, and what she writes is kept')
  return { client, dump: dump(world, [userId]) }
}

/** This time while no bridge runs. */
export async function eraseAnew(
  { bridges, synapse }: World,
  { client }: Returned,
  say: Say,
): Promise<void> {
  await Promise.all(bridges.map(bridge => bridge.kill()))
  await deactivate(client, passwordOf(client.userId), true)
  await Promise.all(bridges.map(bridge => bridge.start(synapse.url)))
  say('Rita deactivates with erase anew, while both bridges are down')
}
