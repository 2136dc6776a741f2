// Holds the simulated admin API, which the tests of `synapse()` ask, against a real one: the same
// accounts, the same requests, the same answers. Then the source reads both, and finds the same.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { parse } from 'yaml'

import { parseUserId } from '../../lib/matrix/user-id.ts'
import { createRegistration } from '../../lib/registration/registration-file.ts'
import { synapse } from '../../lib/sources/index.ts'
import { adminApi } from '../../lib/sources/synapse/admin-api.ts'
import { adminSource } from '../../lib/sources/synapse/admin-source.ts'
import { resolveSynapseOptions } from '../../lib/sources/synapse/synapse-options.ts'
import { recordingSink } from '../support/recording-sink.ts'
import { fetchSimulated } from '../support/simulated-synapse/fetch-simulated.ts'
import {
  ADMIN_TOKEN,
  SimulatedSynapse,
} from '../support/simulated-synapse/simulated-synapse.ts'
import { type Client, createClient, deactivate } from './homeserver/client.ts'
import { SERVER_NAME } from './homeserver/synapse-config.ts'
import type { SynapseDatabase } from './homeserver/synapse-database.ts'
import { createSynapse, type Synapse } from './homeserver/synapse.ts'
import { until } from './wait.ts'

const API = '/_synapse/admin'
const NEVER = new AbortController().signal
const id = (localpart: string) => `@${localpart}:${SERVER_NAME}`
const PEOPLE = ['alice', 'bob', 'carol', 'dora', 'eve', 'frank']
const GHOST = 'irc_ghost'
const BOT = 'irc'

/** What of an answer may differ between two homeservers. */
const OWN = new Set(['creation_ts', 'last_seen_ts', 'displayname', 'admin', 'error'])

/** Compares the two, step by step. */
export async function compareAdminApi(
  python: string,
  directory: string,
  database: SynapseDatabase,
): Promise<void> {
  const registration = join(directory, 'irc.yaml')
  mkdirSync(directory, { recursive: true })
  const userRegex = String.raw`@irc_.*:hs\.test`
  writeFileSync(
    registration,
    createRegistration({
      id: 'irc',
      url: 'http://127.0.0.1:9',
      userRegex,
      senderLocalpart: BOT,
    }),
  )
  const homeserver = await createSynapse(python, {
    directory,
    registrations: [registration],
    database: database.config,
  })
  await homeserver.start()
  try {
    await walk(homeserver, registration)
  } finally {
    await homeserver.close()
  }
}

async function walk(homeserver: Synapse, registration: string): Promise<void> {
  const { as_token: asToken } = parse(readFileSync(registration, 'utf8')) as {
    as_token: string
  }
  const simulated = new SimulatedSynapse()
  const { accounts } = simulated
  const admin = createClient(
    homeserver.url,
    id('admin'),
    await homeserver.register('admin', 'password-of-admin', true),
  )
  accounts.add(id('admin'))
  const bridge = createClient(homeserver.url, id(BOT), asToken)
  for (const localpart of [BOT, GHOST]) {
    const type = 'm.login.application_service'
    const body = { type, username: localpart, inhibit_login: true }
    await bridge.call('POST', '/_matrix/client/v3/register', body)
    accounts.add(id(localpart), { appserviceId: 'irc' })
  }
  for (const localpart of PEOPLE) accounts.add(id(localpart))
  const tokens = new Map<string, string>()
  for (const localpart of PEOPLE)
    tokens.set(
      localpart,
      await homeserver.register(localpart, `password-of-${localpart}`),
    )
  const guest = await registerGuest(homeserver.url)
  accounts.add(guest, { isGuest: true })
  await finishUpdates(admin)

  const erase = (userId: string, isErasure: boolean) =>
    admin.call('POST', `${API}/v1/deactivate/${userId}`, { erase: isErasure })
  const put = (localpart: string, change: object) =>
    admin.call('PUT', `${API}/v2/users/${id(localpart)}`, change)
  const steps: ReadonlyArray<readonly [string, () => Promise<unknown>, () => void]> = [
    ['nothing has happened', async () => {}, () => {}],
    [
      'alice erases her account',
      () => {
        const client = createClient(
          homeserver.url,
          id('alice'),
          tokens.get('alice') ?? '',
        )
        return deactivate(client, 'password-of-alice', true)
      },
      () => accounts.deactivate(id('alice'), true),
    ],
    [
      'bob is deactivated',
      () => erase(id('bob'), false),
      () => accounts.deactivate(id('bob'), false),
    ],
    [
      'carol is deactivated, and erased later',
      () => erase(id('carol'), false).then(() => erase(id('carol'), true)),
      () => accounts.deactivate(id('carol'), true),
    ],
    [
      'alice is deactivated again, without erasure',
      () => erase(id('alice'), false),
      () => accounts.deactivate(id('alice'), false),
    ],
    [
      'dora is locked, and then erased',
      () => put('dora', { locked: true }).then(() => erase(id('dora'), true)),
      () => {
        accounts.lock(id('dora'), true)
        accounts.deactivate(id('dora'), true)
      },
    ],
    [
      'a guest is erased',
      () => erase(guest, true),
      () => accounts.deactivate(guest, true),
    ],
    [
      'a ghost is erased',
      () => erase(id(GHOST), true),
      () => accounts.deactivate(id(GHOST), true),
    ],
    [
      'carol is reactivated',
      () => put('carol', { deactivated: false }),
      () => accounts.reactivate(id('carol')),
    ],
    [
      'and erased again',
      () => erase(id('carol'), true),
      () => accounts.deactivate(id('carol'), true),
    ],
    [
      'alice is reactivated',
      () => put('alice', { deactivated: false, password: 'another-password' }),
      () => accounts.reactivate(id('alice')),
    ],
  ]
  for (const [what, happen, simulate] of steps) {
    await happen()
    simulate()
    await compareAnswers(what, homeserver.url, admin.token, simulated, targetsOf(guest))
  }

  await useAsToken(homeserver.url, asToken, async () => {
    await admin.call('PUT', `${API}/v1/users/${id(BOT)}/admin`, { admin: true })
  })
  await readBoth(homeserver.url, asToken, simulated)
}

async function registerGuest(url: string): Promise<string> {
  const answer = await fetch(`${url}/_matrix/client/v3/register?kind=guest`, {
    method: 'POST',
    body: '{}',
  })
  const { user_id: userId } = (await answer.json()) as { user_id?: string }
  return userId ?? assert.fail('The homeserver takes no guests')
}

/** A young database cannot reactivate anybody. */
function finishUpdates(admin: Client): Promise<void> {
  return until('background updates are done', async () => {
    const status = await admin.call('GET', `${API}/v1/background_updates/status`)
    return Object.keys(status['current_updates'] as object).length === 0
  })
}

/** Everything that the source may ask, and what it must not be misled by. */
function targetsOf(guest: string): string[] {
  const page = 'order_by=name&dir=f&from=0&limit=5000'
  const lists = ['deactivated=true&', ''].flatMap(deactivated =>
    [
      'locked=true&guests=true',
      'locked=true&guests=false',
      'guests=true',
      'locked=true',
    ].flatMap(others => [
      `${API}/v3/users?${deactivated}${others}&${page}`,
      `${API}/v2/users?${deactivated}${others}&${page}`,
    ]),
  )
  const pages = [
    'from=0&limit=3',
    'from=2&limit=3',
    'from=0&limit=0',
    'from=99&limit=3',
    'from=1',
  ]
  const names = [...PEOPLE, GHOST, BOT, 'nobody'].map(id)
  return [
    ...lists,
    ...pages.map(range => `${API}/v3/users?locked=true&guests=true&${range}`),
    ...[...names, guest, '@alice:other.test', '@Alice:hs.test', 'alice'].map(
      name => `${API}/v2/users/${encodeURIComponent(name)}`,
    ),
    `${API}/v3/users?order_by=erased`,
    `${API}/v4/users`,
    `${API}/v3/users/${encodeURIComponent(id('alice'))}`,
  ]
}

async function compareAnswers(
  what: string,
  url: string,
  token: string,
  simulated: SimulatedSynapse,
  targets: readonly string[],
): Promise<void> {
  // Tokens are refused whatever has happened.
  const isFirst = simulated.asked.length === 0
  for (const target of targets) {
    for (const given of isFirst ? [token, undefined, 'another'] : [token]) {
      const real = await fetch(url + target, {
        headers: given === undefined ? {} : { authorization: `Bearer ${given}` },
      })
      const ours = simulated.answer(target, given === token ? ADMIN_TOKEN : given)
      assert(typeof ours !== 'string')
      assert.deepEqual(
        { status: ours.status, body: comparable(JSON.parse(ours.body)) },
        { status: real.status, body: comparable(await real.json()) },
        `${what}: ${target}`,
      )
    }
  }
}

function comparable(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) => (OWN.has(key) ? undefined : inner)),
  )
}

/** As the documentation says: refused, until the bot is a server admin. */
async function useAsToken(
  url: string,
  accessToken: string,
  makeAdmin: () => Promise<void>,
): Promise<void> {
  const source = synapse({ url, accessToken, serverName: SERVER_NAME })
  const look = () => source.look(parseUserId(id('carol')), NEVER)
  await assert.rejects(look(), { code: 'SOURCE_FORBIDDEN' })
  await makeAdmin()
  assert.equal(await look(), 'erased')
  assert.equal(await source.look(parseUserId(id(GHOST)), NEVER), 'erased ghost')
  assert.equal(await source.look(parseUserId(id('alice')), NEVER), 'present')
  assert.equal(await source.look(parseUserId(id('nobody')), NEVER), 'unknown')
}

/** The source reads every list in small pages, from the homeserver and from the simulation. */
async function readBoth(
  url: string,
  accessToken: string,
  simulated: SimulatedSynapse,
): Promise<void> {
  const options = { serverName: SERVER_NAME, pageSize: 3 }
  const sources = [
    synapse({ url, accessToken, ...options }),
    adminSource(
      resolveSynapseOptions({ url, accessToken, ...options }),
      adminApi(new URL(`${url}/`), ADMIN_TOKEN, fetchSimulated(simulated)),
    ),
  ]
  const lists = []
  for (const source of sources) {
    const sink = recordingSink()
    await source.start(sink)
    await until('both lists were read', () => sink.outcomes.length === 2)
    await source.close()
    assert.deepEqual(sink.outcomes, ['succeeded', 'succeeded'])
    lists.push(sink.lists)
  }
  assert.deepEqual(lists[0], lists[1])
  assert.equal(lists[0]?.[1]?.filter(({ erased }) => erased).length, 4)
}
