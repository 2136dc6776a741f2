import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'

import type { BridgeProcess } from '../../examples/guestbook-bridge/demo/bridge-process.ts'
import { askStatus } from '../../examples/guestbook-bridge/demo/bridge-process.ts'
import { dumpOf } from '../../examples/guestbook-bridge/demo/look.ts'
import { findResidue } from '../../lib/testing/handlers/find-residue.ts'
import { type Client, createClient, deactivateWithErase } from './client.ts'
import { BOT, buildWorld, passwordOf, type World } from './world.ts'

const ERASE_PATH = '/_matrix/app/v1/users/erase'
const MESSAGES = 30
const PATIENCE_MS = 60_000
// The smallest picture there is.
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

type Say = (text: string) => void

/** Plays the whole story; throws at the first thing that is not as it should be. */
export async function play(python: string, directory: string, say: Say): Promise<void> {
  const world = await buildWorld(python, directory)
  let bridge: BridgeProcess | undefined
  try {
    bridge = await world.startBridge()
    await ping(world, say)
    const people = await fill(world, say)
    const neighbours = [people.alice, people.carol]
    const before = dumpOf(neighbours, world.dataDir)
    await erase(world, people, say)
    await killInTheMiddle(world, bridge, say)
    bridge = await world.startBridge()
    await lateEvents(world, people, say)
    await becomesErased(world, say)
    await bridge.stop()
    const left = findResidue(people.bob.userId, [world.dataDir])
    assert.deepEqual(left, [], 'nothing of Bob is left in any file of the bridge')
    say(
      `Bob's user ID is in 0 places, in any of 16 forms, in every file and all output of the bridge`,
    )
    assert.equal(dumpOf(neighbours, world.dataDir), before)
    say('The rows, documents and pictures of the neighbours are the same, byte for byte')
  } finally {
    await bridge?.kill().catch(() => {})
    await world.synapse.close()
  }
}

async function ping({ synapse, asToken }: World, say: Say): Promise<void> {
  const bot = createClient(synapse.url, BOT, asToken)
  const path = '/_matrix/client/v1/appservice/guestbook/ping'
  const { duration_ms: durationMs } = await bot.call('POST', path, {
    transaction_id: 'e2e',
  })
  assert.equal(typeof durationMs, 'number')
  say(`The homeserver reaches the bridge: ping answered 200 in ${String(durationMs)} ms`)
}

interface People {
  readonly alice: Client
  readonly bob: Client
  readonly carol: Client
  readonly admin: Client
  readonly room: string
}

/** Everybody joins with name and picture, opens a direct room with the bot, and writes. */
async function fill(world: World, say: Say): Promise<People> {
  const [alice, bob, carol] = [
    await world.client('alicewonder'),
    await world.client('bobthebuilder'),
    await world.client('carolsinger'),
  ]
  const admin = await world.client('administrator', true)
  for (const client of [alice, bob, carol]) await dressUp(client)
  const { room_id: room } = await alice.call('POST', '/_matrix/client/v3/createRoom', {
    preset: 'public_chat',
    invite: [BOT],
  })
  for (const client of [bob, carol])
    await client.call('POST', `/_matrix/client/v3/join/${String(room)}`)
  for (const client of [alice, bob, carol]) {
    await client.call('POST', '/_matrix/client/v3/createRoom', {
      is_direct: true,
      invite: [BOT],
    })
    for (let n = 1; n <= MESSAGES; n += 1)
      await write(client, String(room), `message ${n}`)
  }
  const total = 3 * MESSAGES
  await until(async () => (await world.entries()).length >= total, 'all messages arrive')
  const entries = await world.entries()
  assert.ok(
    entries.every(({ name, avatar }) => name.startsWith('The ') && avatar !== null),
  )
  const places = findResidue(bob.userId, [world.dataDir]).length
  assert.ok(places > MESSAGES, 'the scanner sees Bob while there is something to see')
  say(
    `Three people joined and wrote ${total} messages; bob is in ${places} places of the bridge`,
  )
  return { alice, bob, carol, admin, room: String(room) }
}

async function dressUp(client: Client): Promise<void> {
  const { content_uri: uri } = await client.call('POST', '/_matrix/media/v3/upload', PNG)
  const profile = `/_matrix/client/v3/profile/${encodeURIComponent(client.userId)}`
  const name = `The ${client.userId.slice(1, 4)}`
  await client.call('PUT', `${profile}/displayname`, { displayname: name })
  await client.call('PUT', `${profile}/avatar_url`, { avatar_url: uri })
}

async function write(client: Client, room: string, body: string): Promise<void> {
  const path = `/_matrix/client/v3/rooms/${room}/send/m.room.message/${body.replaceAll(' ', '-')}`
  await client.call('PUT', path, { msgtype: 'm.text', body })
}

/** Bob deactivates with erase, and the request is sent as the homeserver would send it. */
async function erase(world: World, { bob, admin }: People, say: Say): Promise<void> {
  await deactivateWithErase(
    world.synapse.url,
    bob,
    'bobthebuilder',
    passwordOf('bobthebuilder'),
  )
  const path = `/_synapse/admin/v2/users/${encodeURIComponent(bob.userId)}`
  const { erased, deactivated } = await admin.call('GET', path)
  assert.deepEqual({ erased, deactivated }, { erased: true, deactivated: true })
  say(
    'Bob deactivated the account and asked for erasure; the admin API says erased: true',
  )
  const answer = await fetch(world.bridgeUrl + ERASE_PATH, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${world.hsToken}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ user_id: bob.userId }),
  })
  assert.deepEqual([answer.status, await answer.json()], [200, {}])
  say('The erase request, sent as the homeserver would, was answered 200 {}')
}

async function killInTheMiddle(
  world: World,
  bridge: BridgeProcess,
  say: Say,
): Promise<void> {
  const left = async () => (await world.entries()).length - 2 * MESSAGES
  await until(async () => (await left()) < MESSAGES, 'the purge begins')
  const count = await left()
  assert.ok(count > 0, 'the purge is not over yet')
  await bridge.kill()
  say(
    `The bridge got SIGKILL with ${count} of Bob's ${MESSAGES} messages left, and starts again`,
  )
}

/** A fourth writes last: a homeserver delivers in order, so the leaves have arrived before. */
async function lateEvents(
  world: World,
  { alice, bob, admin, room }: People,
  say: Say,
): Promise<void> {
  const state = `/_matrix/client/v3/rooms/${room}/state/m.room.member/${encodeURIComponent(bob.userId)}`
  await until(
    async () => (await alice.call('GET', state))['membership'] === 'leave',
    'Bob leaves',
  )
  await admin.call('POST', `/_matrix/client/v3/join/${room}`)
  await write(admin, room, 'the last word')
  const seen = async () =>
    (await world.entries()).some(({ body }) => body === 'the last word')
  await until(seen, 'what comes after the leaves arrives')
  say('The late leaves arrived, and after them a message of somebody new')
}

async function becomesErased(world: World, say: Say): Promise<void> {
  await until(
    async () => (await askStatus(world.dataDir))['erased'] === 1,
    'the request is erased',
  )
  const entries = await world.entries()
  assert.equal(entries.length, 2 * MESSAGES + 1)
  assert.ok(!entries.some(({ name }) => name === 'The bob'))
  say('status says erased, and the guestbook shows the messages of the others only')
}

async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await condition())) {
    if (Date.now() > deadline)
      throw new Error(`It did not happen in a minute that ${what}`)
    await delay(50)
  }
}
