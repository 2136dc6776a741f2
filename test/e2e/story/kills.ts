// What is killed in the middle of its work.
import assert from 'node:assert/strict'

import { seededRandom } from '../../support/seeded-random.ts'
import type { TestBridge } from '../bridges/test-bridge.ts'
import { type Client, createRoom, deactivate, join } from '../homeserver/client.ts'
import { until } from '../wait.ts'
import { passwordOf, type World } from '../world.ts'
import { becomeErased, messagesLeft, scanAgain } from './checks.ts'
import { arrive, dressUp, FEW, leaveAll, type People, type Say, talk } from './people.ts'

/** How often each bridge is killed while it purges. */
const KILLS = 3
const INVITES = 80
/** As many rooms as are made at a time. */
const BATCH = 10
/** Synapse may be faster than the kill; then it is tried with somebody else. */
const ATTEMPTS = 3

/** SIGKILLs every bridge in each third of its purge, when as many messages are left as chance has it. */
export async function killBridges(
  { bridges, synapse }: World,
  userIds: readonly string[],
  seed: number,
  say: Say,
): Promise<void> {
  const killOne = async (bridge: TestBridge, stream: number) => {
    const random = seededRandom(seed, stream)
    const left = () => messagesLeft(bridge, userIds)
    const share = Math.ceil(left() / KILLS)
    for (let later = KILLS - 1; later >= 0; later -= 1) {
      const most = random.int(later * share, (later + 1) * share)
      await until(`the ${bridge.name} bridge has ${most} of the messages left`, () => {
        const count = left()
        return count <= most || `it has ${count}`
      })
      const count = left()
      await bridge.kill()
      await bridge.start(synapse.url)
      say(
        `SIGKILL for the ${bridge.name} bridge with ${count} messages left; it restarts`,
      )
    }
  }
  await Promise.all(bridges.map(killOne))
}

/**
 * SIGKILLs Synapse in the middle of a deactivation, which leaves accounts that count as erased, and
 * not as deactivated. Returns who was erased.
 *
 * @param invited - the first who is deactivated, and has many invites
 * @param erased - how many were before
 */
export async function killSynapse(
  world: World,
  invited: Client,
  { room }: People,
  erased: number,
  say: Say,
): Promise<string[]> {
  const { synapse, admin } = world
  const victims: string[] = []
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const victim = attempt === 1 ? invited : await makeVictim(world, room, attempt)
    if (attempt > 1) await inviteOften(world, victim)
    const { userId } = victim
    victims.push(userId)
    // Its connection breaks.
    const deactivation = deactivate(victim, passwordOf(userId), true).catch(() => {})
    await until(`${userId} is erased`, async () => (await admin.flagsOf(userId)).erased)
    await synapse.kill()
    await deactivation
    await synapse.start()
    const flags = await admin.flagsOf(userId)
    assert.equal(flags.erased, true)
    if (flags.deactivated) continue
    say(
      `SIGKILL for Synapse while it rejects ${INVITES} invites of one who is in no room`,
    )
    say('Their account stays erased and not deactivated, as no short list has it')
    await becomeErased(world, erased + victims.length)
    await admin.deactivate(userId, true)
    assert.deepEqual(await admin.flagsOf(userId), { deactivated: true, erased: true })
    await scanAgain(world)
    await becomeErased(world, erased + victims.length)
    say('The full scan finds it; the admin repairs it, and nobody is purged twice')
    return victims
  }
  throw new Error(`Synapse was never killed in the middle, in ${ATTEMPTS} attempts`)
}

/** Somebody of whom the bridges have something, and who is in no room. */
export async function makeVictim(
  world: World,
  room: string,
  attempt: number,
): Promise<Client> {
  const victim = await world.register(`invited-victor${attempt}`)
  await dressUp(victim)
  await join(victim, room)
  await talk(victim, room, FEW)
  await arrive(world, victim, FEW)
  await leaveAll(victim)
  return victim
}

/** Invites somebody to so many rooms that it takes Synapse a while to reject them. */
export async function inviteOften({ admin }: World, { userId }: Client): Promise<void> {
  const invitation = { preset: 'private_chat', invite: [userId] }
  for (let made = 0; made < INVITES; made += BATCH)
    await Promise.all(
      Array.from({ length: BATCH }, () => createRoom(admin.client, invitation)),
    )
}
