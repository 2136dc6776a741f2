// Two versions of a bridge side by side on one database, as when its processes are replaced one
// after the other.
import t, { type Test } from 'tap'

import { createErasure } from '../../../lib/core/create-erasure.ts'
import type { Erasure } from '../../../lib/core/erasure.ts'
import { postgresEngine } from '../../../lib/engines/postgres/postgres-engine.ts'
import type { HandlerStatus } from '../../../lib/core/read-status.ts'
import { memoryLog } from '../../support/memory-log.ts'
import { REGISTRATION } from '../../support/open-erasure.ts'
import { openTestDatabase } from '../../support/postgres/open-database.ts'
import { until } from '../../support/until.ts'

const KEY = Buffer.alloc(32, 1)
const REQUESTS = 6

/** The bridge's data, which outlives its versions: by the name of a place, who is in it. */
class Places {
  readonly #users = new Map<string, Set<string>>()
  /** While it is closed, handlers ask to be called again. */
  gateOpen = false

  constructor(names: readonly string[], users: readonly string[]) {
    for (const name of names) this.#users.set(name, new Set(users))
  }

  left(name: string): number {
    return this.#users.get(name)?.size ?? 0
  }

  /** Registers a handler for a place, under a name that may be another. */
  register(erasure: Erasure, place: string, name = place): void {
    erasure.onUserErase<number>(name, {
      purge: async ({ userId, cursor = 0 }) => {
        if (!this.gateOpen) return { more: cursor + 1, waitMs: 20 }
        return { removed: Number(this.#users.get(place)?.delete(userId) === true) }
      },
      verify: async ({ userId }) => Number(this.#users.get(place)?.has(userId) === true),
    })
  }
}

interface Upgrade {
  readonly places: Places
  readonly userIds: readonly string[]
  /** A process with handlers for these places; `[place, name]` for another name. */
  start(...handlers: ReadonlyArray<string | readonly [string, string]>): Promise<Erasure>
}

async function openUpgrade(t: Test, ...names: readonly string[]): Promise<Upgrade> {
  const { connectionString } = await openTestDatabase(t)
  const users = Array.from(
    { length: REQUESTS },
    (_, index) => `@user-${index}:example.org`,
  )
  const places = new Places(names, users)
  return {
    places,
    userIds: users,
    async start(...handlers) {
      const erasure = await open(t, connectionString, KEY)
      for (const handler of handlers) {
        const [place, name] = typeof handler === 'string' ? [handler, handler] : handler
        places.register(erasure, place, name)
      }
      await erasure.start()
      return erasure
    },
  }
}

async function open(t: Test, connectionString: string, key: Buffer): Promise<Erasure> {
  const erasure = await createErasure({
    registration: REGISTRATION,
    key,
    ...postgresEngine({ connectionString, drainMs: 500 }),
    settleMs: 50,
    sweepMs: 100,
  })
  t.teardown(() => erasure.close())
  return erasure
}

/** The states of one handler in all open requests. */
async function statesOf(erasure: Erasure, name: string): Promise<HandlerStatus[]> {
  const { open } = await erasure.status()
  return open.flatMap(({ handlers: { [name]: status } }) => status ?? [])
}

async function untilErased(erasure: Erasure): Promise<void> {
  await until(
    'all are erased',
    async () => (await erasure.status()).counts.erased === REQUESTS,
  )
}

/** A process with two handlers that has begun with everybody. */
async function openBegun(t: Test) {
  const { places, userIds, start } = await openUpgrade(t, 'messages', 'avatars')
  const before = await start('messages', 'avatars')
  for (const userId of userIds) await before.accept(userId)
  await until(
    'all are begun',
    async () => (await statesOf(before, 'avatars')).length === REQUESTS,
  )
  return { places, before, start }
}

const isMissing = ({ state, code }: HandlerStatus) =>
  state === 'blocked' && code === 'HANDLER_MISSING'

t.test('a handler that is added has to do with what is open, too', async t => {
  const { places, userIds, start } = await openUpgrade(t, 'messages', 'avatars')
  const before = await start('messages')
  for (const userId of userIds) await before.accept(userId)
  await until(
    'all are begun',
    async () => (await statesOf(before, 'messages')).length === REQUESTS,
  )
  const after = await start('messages', 'avatars')
  await until(
    'the new handler has begun',
    async () => (await statesOf(after, 'avatars')).length === REQUESTS,
  )
  // For a while both work on the same requests.
  await new Promise(resolve => setTimeout(resolve, 500))
  t.equal((await after.status()).open.length, REQUESTS)
  places.gateOpen = true
  await new Promise(resolve => setTimeout(resolve, 500))
  await before.close()
  await untilErased(after)
  t.equal(places.left('messages'), 0)
  t.equal(
    places.left('avatars'),
    0,
    'also who was asked for before there was the handler',
  )
})

t.test('a handler that is removed is reported, and nothing is lost', async t => {
  const { places, before, start } = await openBegun(t)
  const after = await start('messages')
  await new Promise(resolve => setTimeout(resolve, 500))
  await before.close()
  places.gateOpen = true
  await until('messages are gone', () => places.left('messages') === 0)
  await until(
    'it is missed',
    async () => (await statesOf(after, 'avatars')).filter(isMissing).length === REQUESTS,
  )
  await new Promise(resolve => setTimeout(resolve, 500))
  const { open, counts } = await after.status()
  t.equal(open.length, REQUESTS, 'none counts as erased')
  t.equal(counts.blocked, REQUESTS)
  t.equal(places.left('avatars'), REQUESTS)
  const again = await start('messages', 'avatars')
  await untilErased(again)
  t.equal(places.left('avatars'), 0, 'registered again it goes on')
})

t.test('while both versions run, the old one does what is removed', async t => {
  const { places, userIds, start } = await openUpgrade(t, 'messages', 'avatars')
  const before = await start('messages', 'avatars')
  const after = await start('messages')
  for (const [index, userId] of userIds.entries()) {
    await (index % 2 === 0 ? before : after).accept(userId)
  }
  places.gateOpen = true
  await until('all are finished', async () => (await before.status()).open.length === 0)
  t.equal((await before.status()).counts.erased, REQUESTS)
  t.equal(places.left('messages'), 0)
})

t.test(
  'a handler that is renamed does it all again, and the old name is reported',
  async t => {
    const { places, before, start } = await openBegun(t)
    const after = await start('messages', ['avatars', 'pictures'])
    await new Promise(resolve => setTimeout(resolve, 500))
    await before.close()
    places.gateOpen = true
    await until('pictures are gone', () => places.left('avatars') === 0)
    await until(
      'the old name is missed',
      async () =>
        (await statesOf(after, 'avatars')).filter(isMissing).length === REQUESTS,
    )
    t.equal((await after.status()).counts.blocked, REQUESTS)
    await after.close()
    // As docs/errors.md says: under its old name, with nothing to do.
    const last = await start('messages', ['avatars', 'pictures'], ['nowhere', 'avatars'])
    await untilErased(last)
    t.equal((await last.status()).counts.erased, REQUESTS)
    t.equal(places.left('messages') + places.left('avatars'), 0)
  },
)

t.test('a process with another key is refused, and blocks nothing', async t => {
  const { connectionString } = await openTestDatabase(t)
  const log = memoryLog()
  const erasure = await createErasure({
    registration: REGISTRATION,
    key: KEY,
    ...postgresEngine({ connectionString, drainMs: 500 }),
    settleMs: 50,
    logger: log,
  })
  t.teardown(() => erasure.close())
  const gate = Promise.withResolvers<void>()
  erasure.onUserErase('messages', async () => gate.promise)
  await erasure.start()
  await erasure.accept('@user:example.org')
  await until('it is accepted', () => log.text().includes('accepted'))
  await t.rejects(open(t, connectionString, Buffer.alloc(32, 2)), {
    code: 'KEY_MISMATCH',
  })
  const { counts, open: requests } = await erasure.status()
  t.equal(counts.blocked, 0)
  t.equal(requests.length, 1)
  gate.resolve()
  await until('it is erased', async () => (await erasure.status()).counts.erased === 1)
})
