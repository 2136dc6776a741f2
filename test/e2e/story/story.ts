// The whole story, told once for each database that Synapse can have. Nobody sends an erase request:
// the bridges find out by themselves.
import assert from 'node:assert/strict'

import { buildWorld, type World, type WorldOptions } from '../world.ts'
import { beAllowed, meet, visit } from './beginning.ts'
import {
  becomeErased,
  dump,
  findNobodyInLogs,
  findNothing,
  messagesLeft,
  picturesOf,
  scanAgain,
} from './checks.ts'
import { comeBack, eraseAnew } from './coming-back.ts'
import { eraseThem, prepareErasures } from './erasures.ts'
import { inviteOften, killBridges, killSynapse, makeVictim } from './kills.ts'
import { erasedOnes, GHOST, keptOnes, type Say } from './people.ts'

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
  await beAllowed(world, say)
  const people = await meet(world, say)
  await visit(world)
  const victim = await makeVictim(world, people.room, 1)
  // Synapse takes its time for many invites, of which there is enough while others wait.
  const inviting = inviteOften(world, victim)
  inviting.catch(() => {})
  await prepareErasures(world, people)
  const [erased, kept] = [erasedOnes(people), keptOnes(people)]
  const before = dump(world, kept)

  await Promise.all([
    eraseThem(world, people, say),
    killBridges(world, erased, seed, say),
  ])
  await becomeErased(world, 4)
  for (const bridge of bridges) assert.equal(messagesLeft(bridge, erased), 0)
  say('In both bridges, the four are erased, and the ghost is declined')

  await inviting
  const victims = await killSynapse(world, victim, people, 4, say)
  const returned = await comeBack(world, people, say)
  const { userId } = returned.client
  await scanAgain(world)
  assert.deepEqual(dump(world, [userId]), returned.dump, 'what Rita wrote is kept')
  await becomeErased(world, 4 + victims.length)
  await eraseAnew(world, returned, say)
  await becomeErased(world, 5 + victims.length)

  for (const bridge of bridges) assert.equal(await bridge.stop(), 0, 'it closes')
  findNothing(world, [...erased, ...victims])
  say(
    'Nothing of those who were erased is in any file of the bridges, in any of 16 forms',
  )
  assert.deepEqual(dump(world, kept), before)
  assert.equal(picturesOf(world), kept.length)
  say('Rows, documents and pictures of all others are the same, byte for byte')
  findNobodyInLogs(world, [...erased, ...victims, ...kept, GHOST])
  say('The bridges have logged neither a user nor a token')
}
