// People are erased in every way there is. No request is sent to any bridge.
import assert from 'node:assert/strict'

import { createClient, deactivate } from '../homeserver/client.ts'
import { passwordOf, type World } from '../world.ts'
import { GHOST, leaveAll, type People, type Say } from './people.ts'

/** Wanda leaves every room, and the admin deactivates Eve's account. */
export async function prepareErasures(
  { admin }: World,
  { wanda, eve }: People,
): Promise<void> {
  await leaveAll(wanda)
  assert.equal(await admin.roomsOf(wanda.userId), 0)
  await admin.deactivate(eve.userId, false)
  assert.deepEqual(await admin.flagsOf(eve.userId), { deactivated: true, erased: false })
}

/** All at once. */
export async function eraseThem(world: World, people: People, say: Say): Promise<void> {
  const { admin, guestbook, synapse } = world
  const { bob, wanda, rita, dora, eve } = people
  const service = createClient(synapse.url, guestbook.bot, guestbook.asToken)
  const itself = new URLSearchParams({ user_id: GHOST })
  const path = `/_matrix/client/v3/account/deactivate?${itself.toString()}`
  await Promise.all([
    ...[bob, wanda, rita].map(it => deactivate(it, passwordOf(it.userId), true)),
    deactivate(dora, passwordOf(dora.userId), false),
    admin.deactivate(eve.userId, true),
    service.call('POST', path, { erase: true }),
  ])
  const flags = { deactivated: true, erased: true }
  for (const userId of [bob, wanda, rita, eve].map(it => it.userId))
    assert.deepEqual(await admin.flagsOf(userId), flags)
  assert.deepEqual(await admin.flagsOf(GHOST), flags)
  assert.deepEqual(await admin.flagsOf(dora.userId), { ...flags, erased: false })
  say('Bob, Rita and Wanda (in no room) deactivate with erase; the admin erases Eve, who')
  say('was deactivated; a ghost is erased by its bridge; Dora deactivates without erase')
}
