// How the bridges come to see, and what people do before anybody is erased.
import assert from 'node:assert/strict'

import type { TestBridge } from '../bridges/test-bridge.ts'
import { createClient } from '../homeserver/client.ts'
import { until } from '../wait.ts'
import type { World } from '../world.ts'
import { findSomething } from './checks.ts'
import {
  arrive,
  erasedOnes,
  FEW,
  gather,
  GHOST,
  MANY,
  type People,
  type Say,
} from './people.ts'

/** The bridges start; they may look only when their bots, or their role, have the right to. */
export async function beAllowed(world: World, say: Say): Promise<void> {
  const { synapse, bridges, guestbook, diary, admin, reader } = world
  for (const { name, bot, asToken } of bridges)
    await createClient(synapse.url, bot, asToken).call(
      'POST',
      '/_matrix/client/v3/register',
      { type: 'm.login.application_service', username: name, inhibit_login: true },
    )
  await Promise.all(bridges.map(bridge => bridge.start(synapse.url)))
  for (const bridge of bridges) await untilCode(bridge, 'SOURCE_FORBIDDEN')
  say('Both bridges start; status says SOURCE_FORBIDDEN')
  await admin.makeAdmin(guestbook.bot)
  if (reader === undefined) await admin.makeAdmin(diary.bot)
  else await reader.allow()
  for (const bridge of bridges) await untilCode(bridge, undefined)
  say('The bot of the guestbook (matrix-appservice-bridge) becomes a server admin;')
  say(
    reader === undefined
      ? 'that of the diary (matrix-bot-sdk), too; both bridges see, with their as_token'
      : "the diary (matrix-bot-sdk) may read two tables of Synapse's database; both see",
  )
}

async function untilCode(bridge: TestBridge, code: string | undefined): Promise<void> {
  await until(`the source of the ${bridge.name} bridge has code ${code}`, async () => {
    const { sources } = await bridge.status()
    const isMeant = sources.some(
      source =>
        source.code === code &&
        (code !== undefined || source.lastSuccessAt !== undefined),
    )
    return isMeant || JSON.stringify(sources)
  })
}

/** Everybody writes, and the bridges have it all. */
export async function meet(world: World, say: Say): Promise<People> {
  const people = await gather(world)
  const { alice, twin, dora, bob, wanda, eve, rita } = people
  for (const person of [alice, twin, dora]) await arrive(world, person, FEW)
  for (const person of [bob, wanda, eve, rita]) await arrive(world, person, MANY)
  findSomething(world, erasedOnes(people))
  say(
    `Seven people meet and write ${3 * FEW + 4 * MANY} messages; both bridges have them`,
  )
  return people
}

/** A visitor of the guestbook writes something, which their ghost says. */
export async function visit(world: World): Promise<void> {
  const { guestbook, diary, admin } = world
  await fetch(`http://127.0.0.1:${guestbook.extraPort}/sign`, {
    method: 'POST',
    body: new URLSearchParams({ name: 'visitor', body: 'I was here' }),
    redirect: 'manual',
  })
  await until('the ghost has spoken', () => diary.messagesOf(GHOST) === 1)
  assert.equal((await admin.flagsOf(GHOST)).erased, false)
}
