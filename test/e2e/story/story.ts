// The whole story, told once for each database that Synapse can have. Nobody sends an erase request:
// the bridges find out by themselves.
import assert from 'node:assert/strict'

import { buildWorld, type World, type WorldOptions } from '../world.ts'
import { becomeAdmins, meet, visit } from './beginning.ts'
import {
  becomeErased,
  dump,
  findNobodyInLogs,
  findNothing,
  messagesLeft,
  picturesOf,
} from './checks.ts'
import { comeBack, eraseAnew } from './coming-back.ts'
import { eraseThem, prepareErasures } from './erasures.ts'
import { inviteOften, killBridges, killSynapse } from './kills.ts'
import { erasedOnes, keptOnes, type Say } from './people.ts'

/** Plays it; throws at the first thing that is not as it should be. */
export async function play(options: WorldOptions, seed: number, say: Say): Promise<void> {
  const world = await buildWorld(options)
  try {
    await tell(world, seed, say)
  } finally {
    await world.close()
  }
}

async function tell(world: World, seed: number, say: Say): Promise<void> {
  const { bridges } = world
  await becomeAdmins(world, say)
  const people = await meet(world, say)
  const ghost = await visit(world)
  // Synapse takes its time for many invites, of which there is enough while others wait.
  const inviting = inviteOften(world, people.room, 1)
  inviting.catch(() => {})
  await prepareErasures(world, people)
  const [erased, kept] = [erasedOnes(people), [...keptOnes(people), ghost]]
  const before = dump(world, kept)

  await eraseThem(world, people, ghost, say)
  await killBridges(world, erased, seed, say)
  await becomeErased(world, { declined: 1, erased: 4 })
  for (const bridge of bridges) assert.equal(messagesLeft(bridge, erased), 0)
  say('In both bridges, the four are erased, and the ghost is declined')

  const returned = await comeBack(world, people, say)
  const victims = await killSynapse(world, await inviting, people, 4, say)
  const { userId } = returned.client
  assert.deepEqual(dump(world, [userId]), returned.dump, 'what Rita wrote is kept')
  await eraseAnew(world, returned, say)
  await becomeErased(world, { declined: 1, erased: 5 + victims.length })

  for (const bridge of bridges) assert.equal(await bridge.stop(), 0, 'it closes')
  findNothing(world, [...erased, ...victims])
  say(
    'Nothing of those who were erased is in any file of the bridges, in any of 16 forms',
  )
  assert.deepEqual(dump(world, kept), before)
  assert.equal(picturesOf(world), keptOnes(people).length)
  say('Rows, documents and pictures of all others are the same, byte for byte')
  findNobodyInLogs(world, [...erased, ...victims, ...kept])
  say('The bridges have logged neither a user nor a token')
}
