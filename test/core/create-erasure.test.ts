import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { breathe, fakeClock } from '../support/fake-clock.ts'
import { memoryLog } from '../support/memory-log.ts'
import { memoryStore } from '../support/memory-store.ts'
import { REGISTRATION, volatile } from '../support/open-erasure.ts'

const bob = '@bob:example.org'

t.test('options that are missing, unknown or of the wrong kind are named', async t => {
  const bad: ReadonlyArray<readonly [object, RegExp]> = [
    [{ setleMs: 1 }, /setleMs/],
    [{ store: undefined }, /`store`/],
    [{ key: 5 }, /`key`/],
    [{ serverName: 'https://example.org' }, /`serverName`/],
    [{ settleMs: -1 }, /`settleMs`.*got -1/],
    [{ settleMs: Number.NaN }, /`settleMs`/],
    [{ tombstoneMs: '1' }, /`tombstoneMs`.*got string/],
  ]
  for (const [change, message] of bad) {
    await t.rejects(createErasure({ ...volatile(), ...change } as never), { message })
  }
  await t.rejects(createErasure(volatile({ registration: {} as never })), {
    code: 'REGISTRATION_INVALID',
  })
  await t.rejects(createErasure(volatile({ allowVolatileStore: false })), {
    code: 'STORE_VOLATILE',
  })
  const erasure = await createErasure(volatile({ settleMs: undefined as never }))
  await erasure.close()
})

t.test('a key that is not the store’s is refused, and nothing is changed', async t => {
  const directory = t.testdir()
  const key = join(directory, 'erasure.key')
  const path = join(directory, 'erasure.db')
  const open = (key: string | Uint8Array) =>
    createErasure({ registration: REGISTRATION, key, store: sqliteStore({ path }) })
  await (await open(key)).close()
  const before = readFileSync(path)
  await t.rejects(open(Buffer.alloc(32, 1)), { code: 'KEY_MISMATCH', message: path })
  rmSync(key)
  await t.rejects(open(key), { code: 'KEY_MISSING', message: key })
  t.notOk(existsSync(key), 'no new key is made for an old store')
  writeFileSync(key, Buffer.alloc(32, 1), { mode: 0o600 })
  await t.rejects(open(key), { code: 'KEY_MISMATCH', message: key })
  chmodSync(key, 0o644)
  await t.rejects(open(key), { code: 'KEY_EXPOSED' })
  t.ok(before.equals(readFileSync(path)))
})

t.test('of processes that start at once on a new store, one makes its key', async t => {
  for (const round of [1, 2, 3]) {
    const directory = t.testdir()
    const store = memoryStore(true)
    const own = ['a', 'b', 'c'].map(name => join(directory, `${name}.key`))
    const opened = await Promise.allSettled(
      own.map(key => createErasure(volatile({ store, key }))),
    )
    t.equal(opened.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const { status, ...result } of opened) {
      if (status === 'rejected') t.match(result, { reason: { code: 'KEY_MISMATCH' } })
    }
    const shared = memoryStore(true)
    const key = join(directory, 'shared.key')
    const sharing = [1, 2, 3].map(() => createErasure(volatile({ store: shared, key })))
    const tags = (await Promise.all(sharing)).map(async erasure => {
      await erasure.accept(bob)
      return erasure.isErased(bob)
    })
    t.same(await Promise.all(tags), [true, true, true])
    const tombstones = [...shared.documents.keys()].filter(name => /tombstone/.test(name))
    t.equal(tombstones.length, 1, `one key, round ${round}`)
  }
})

t.test(
  'handlers are registered once, before the start, and there must be some',
  async t => {
    const erasure = await createErasure(volatile())
    await t.rejects(erasure.start(), { code: 'NO_HANDLERS' })
    erasure.onUserErase('messages', async () => {})
    t.throws(() => erasure.onUserErase('messages', async () => {}), {
      code: 'HANDLER_NAME_TAKEN',
    })
    await erasure.start()
    t.throws(() => erasure.onUserErase('more', async () => {}), {
      code: 'ALREADY_STARTED',
    })
    await t.rejects(erasure.start(), { code: 'ALREADY_STARTED' })
    await erasure.close()
    await erasure.close()
    await t.rejects(erasure.accept(bob), { code: 'CLOSED' })
  },
)

t.test(
  'the same user asked for twice is two requests, never worked on together',
  async t => {
    const clock = fakeClock()
    const erasure = await createErasure(volatile({ clock, settleMs: 0 }))
    let running = 0
    let most = 0
    erasure.onUserErase('messages', async () => {
      most = Math.max(most, (running += 1))
      await new Promise<void>(resolve => void clock.setTimer(resolve, 10))
      running -= 1
    })
    await erasure.start()
    const ids = await Promise.all([1, 2, 3].map(() => erasure.accept(bob)))
    t.equal(new Set(ids.map(({ requestId }) => requestId)).size, 3)
    await clock.advance(100)
    t.match((await erasure.status()).counts, { erased: 3 })
    t.equal(most, 1)
    await erasure.close()
  },
)

t.test('9.18: ghosts of which no server is known are erased, with a warning', async t => {
  const users = [{ exclusive: true, regex: '@irc_.*' }]
  const registration = { ...REGISTRATION, namespaces: { users } }
  for (const serverName of [undefined, 'example.org']) {
    const log = memoryLog()
    const more = serverName === undefined ? {} : { serverName }
    const erasure = await createErasure(volatile({ registration, logger: log, ...more }))
    erasure.onUserErase('messages', async () => {})
    await erasure.start()
    const isKnown = serverName !== undefined
    t.match(await erasure.accept('@irc_bob:example.org'), { declined: isKnown })
    t.match(await erasure.accept('@irc_fan:other.org'), { declined: false })
    t.match(await erasure.accept('@bridge:other.org'), { declined: false })
    t.equal(/names no server/.test(log.text()), !isKnown)
    await erasure.close()
  }
})

t.test(
  '9.18: a registration that would have everybody declined is refused at start',
  async t => {
    const users = [{ exclusive: true, regex: '@.*:example\\.org' }]
    const registration = { ...REGISTRATION, namespaces: { users } }
    await t.rejects(createErasure(volatile({ registration })), {
      code: 'REGISTRATION_INVALID',
      property: 'namespaces.users[0]',
    })
    const willing = await createErasure(volatile({ registration, eraseOwnUsers: true }))
    t.match(await willing.accept(bob), { declined: false })
    await willing.close()
  },
)

t.test(
  'a user of our own is acknowledged, recorded as declined, and left alone',
  async t => {
    const log = memoryLog()
    const erasure = await createErasure(volatile({ logger: log }))
    for (const own of ['@_ghost_1:example.org', '@bridge:example.org']) {
      t.match(await erasure.accept(own), { declined: true })
      t.notOk(await erasure.isErased(own))
    }
    t.match((await erasure.status()).counts, { declined: 2, accepted: 0 })
    t.notMatch(log.text(), /ghost_1/)
    await erasure.close()
    const willing = await createErasure(volatile({ eraseOwnUsers: true }))
    t.match(await willing.accept('@bridge:example.org'), { declined: false })
    await willing.close()
  },
)

t.test('`allow` decides whose erasure is accepted', async t => {
  const erasure = await createErasure(
    volatile({ allow: async userId => userId.endsWith(':example.org') }),
  )
  await erasure.accept(bob)
  await t.rejects(erasure.accept('@bob:other.org'), { code: 'USER_REFUSED' })
  await t.rejects(erasure.accept('bob'), { code: 'USER_ID_INVALID' })
  await erasure.close()
})

t.test('lifting ends the tombstone, not the request', async t => {
  const clock = fakeClock()
  const erasure = await createErasure(volatile({ clock, settleMs: 10 }))
  erasure.onUserErase('messages', { purge: async () => {}, verify: async () => 0 })
  await erasure.start()
  await erasure.accept(bob)
  t.ok(await erasure.lift(bob))
  t.notOk(await erasure.lift(bob))
  t.notOk(await erasure.isErased(bob))
  await clock.advance(10)
  t.match((await erasure.status()).counts, { erased: 1 })
  t.notOk(await erasure.isErased(bob))
  t.notOk(await erasure.isErased('not a user ID'))
  await t.rejects(erasure.lift('not a user ID'), { code: 'USER_ID_INVALID' })
  await erasure.close()
})

t.test(
  'isErased is true already while the request is on its way to the disk',
  async t => {
    const store = memoryStore()
    const { setMany } = store
    const disk = Promise.withResolvers<void>()
    store.setMany = async entries => {
      await disk.promise
      return setMany?.(entries)
    }
    const erasure = await createErasure(volatile({ store }))
    const accepted = erasure.accept(bob)
    await breathe()
    t.ok(await erasure.isErased(bob))
    t.notOk(await erasure.isErased('@carol:example.org'))
    store.failWrites = 'throw'
    disk.resolve()
    await t.rejects(accepted, { code: 'STORE_UNWRITABLE' })
    t.notOk(await erasure.isErased(bob), 'a request that was not stored erases nobody')
    await erasure.close()
  },
)
