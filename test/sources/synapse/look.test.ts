import { inspect } from 'node:util'

import t, { type Test } from 'tap'

import { parseUserId } from '../../../lib/matrix/user-id.ts'
import { type SourceError, synapse } from '../../../lib/sources/index.ts'
import { serveListener } from '../../support/serve-listener.ts'
import { serveSynapse } from '../../support/simulated-synapse/serve-synapse.ts'
import {
  ADMIN_TOKEN,
  SimulatedSynapse,
  type Trouble,
} from '../../support/simulated-synapse/simulated-synapse.ts'

const NEVER = new AbortController().signal
const BOB = '@bob:hs.test'

async function open(t: Test, accessToken: string = ADMIN_TOKEN) {
  const homeserver = new SimulatedSynapse()
  homeserver.accounts.add(BOB)
  const url = await serveSynapse(t, homeserver)
  const source = synapse({ url, accessToken, serverName: 'hs.test' })
  const look = (userId: string) => source.look(parseUserId(userId), NEVER)
  return { homeserver, accounts: homeserver.accounts, source, look }
}

t.test('`erased` alone decides', async t => {
  const { accounts, look } = await open(t)
  t.equal(await look(BOB), 'present')
  accounts.lock(BOB, true)
  accounts.deactivate(BOB, false)
  t.equal(await look(BOB), 'present', 'deactivated and locked, and not erased')
  accounts.deactivate(BOB, true)
  t.equal(await look(BOB), 'erased')
  accounts.reactivateHalfway(BOB)
  t.equal(await look(BOB), 'present', 'deactivated, and erased no more')
  accounts.beginErasure(BOB)
  accounts.lock(BOB, false)
  t.equal(await look(BOB), 'erased')
  accounts.reactivate(BOB)
  accounts.beginErasure(BOB)
  t.equal(await look(BOB), 'erased', 'half-finished')
})

t.test('users of application services are told apart, but only if erased', async t => {
  const { accounts, look } = await open(t)
  accounts.add('@_irc_bob:hs.test', { appserviceId: 'irc' })
  t.equal(await look('@_irc_bob:hs.test'), 'present')
  accounts.deactivate('@_irc_bob:hs.test', true)
  t.equal(await look('@_irc_bob:hs.test'), 'erased ghost')
})

t.test('whoever is unknown is unknown', async t => {
  const { homeserver, look } = await open(t)
  t.equal(await look('@nobody:hs.test'), 'unknown')
  t.equal(homeserver.asked.length, 1)
  for (const stranger of ['@bob:other.test', '@bob:hs.test:8448', '@bob:HS.test'])
    t.equal(await look(stranger), 'unknown')
  t.equal(homeserver.asked.length, 1, 'nobody is asked about users of other homeservers')
})

t.test('every localpart reaches the homeserver as it is', async t => {
  const { homeserver, accounts, look } = await open(t)
  const localparts = ['a/b', '..', '../v2', 'a%2Fb', 'a?b=c#d', 'ä', 'a b', '']
  for (const localpart of localparts) {
    accounts.add(`@${localpart}:hs.test`)
    t.equal(await look(`@${localpart}:hs.test`), 'present', localpart)
    accounts.deactivate(`@${localpart}:hs.test`, true)
    t.equal(await look(`@${localpart}:hs.test`), 'erased', localpart)
  }
  t.equal(homeserver.asked.length, 2 * localparts.length)
})

t.test('what cannot be understood erases nobody', async t => {
  const { homeserver, accounts, look } = await open(t)
  accounts.deactivate(BOB, true)
  const troubles: Record<Exclude<Trouble, 'nothing' | 'hangs'>, SourceError['code']> = {
    away: 'SOURCE_UNREACHABLE',
    'breaks off': 'SOURCE_UNREACHABLE',
    '500': 'SOURCE_UNREACHABLE',
    '429': 'SOURCE_UNREACHABLE',
    '403': 'SOURCE_FORBIDDEN',
    html: 'SOURCE_INVALID',
    'no erased': 'SOURCE_INVALID',
    null: 'SOURCE_INVALID',
  }
  for (const [trouble, code] of Object.entries(troubles)) {
    homeserver.trouble = trouble as Trouble
    await t.rejects(look(BOB), { name: 'SourceError', code }, trouble)
    const error: unknown = await look(BOB).catch((thrown: unknown) => thrown)
    t.notMatch(inspect(error, { depth: null }), new RegExp(`bob|${ADMIN_TOKEN}`), trouble)
  }
  homeserver.trouble = 'nothing'
  t.equal(await look(BOB), 'erased')
})

t.test('an answer about somebody else is none', async t => {
  const others = [{ name: '@eve:hs.test' }, { name: '@Bob:hs.test' }, { name: null }, {}]
  let other: object = {}
  const port = await serveListener(t, (_, res) => {
    res.end(JSON.stringify({ ...other, erased: true, deactivated: true }))
  })
  const url = `http://127.0.0.1:${port}`
  const source = synapse({ url, accessToken: 'tok', serverName: 'hs.test' })
  for (other of others)
    await t.rejects(source.look(parseUserId(BOB), NEVER), { code: 'SOURCE_INVALID' })
  other = { name: BOB }
  t.equal(await source.look(parseUserId(BOB), NEVER), 'erased')
})

t.test('a token that the homeserver refuses is not shown', async t => {
  const { look } = await open(t, 'secret-of-a-test')
  const error: unknown = await look(BOB).catch((thrown: unknown) => thrown)
  t.match(error, { code: 'SOURCE_FORBIDDEN' })
  t.notMatch(inspect(error, { depth: null }), /secret-of/)
})

t.test('close ends a look', async t => {
  const { homeserver, source } = await open(t)
  homeserver.trouble = 'hangs'
  const looking = source.look(parseUserId(BOB), NEVER)
  const refused = t.rejects(looking, { code: 'SOURCE_UNREACHABLE' })
  await source.close()
  await refused
})
