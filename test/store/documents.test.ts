import { join } from 'node:path'

import t from 'tap'

import { ErasureError } from '../../lib/errors.ts'
import { Documents } from '../../lib/store/documents.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { systemClock } from '../../lib/host/clock.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { memoryStore } from '../support/memory-store.ts'

const open = (adapter: ReturnType<typeof memoryStore>) =>
  new Documents(adapter, 'the memory of a test', systemClock)

const DAY_MS = 24 * 60 * 60 * 1000
/** An adapter with this clock deletes nothing by itself. */
const frozen = fakeClock()

for (const conditional of [true, false]) {
  const how = conditional ? 'with writeIf' : 'without writeIf'

  t.test(`what is seen is what is stored, ${how}`, async t => {
    const adapter = memoryStore(conditional)
    const documents = open(adapter)
    await documents.set({ key: 'plain', value: { a: 1, b: undefined } })
    await documents.set({ key: 'expiring', value: 'x', ttlMs: 60_000 })
    await documents.setMany([{ key: 'many', value: 'y', ttlMs: 60_000 }])
    await documents.change({
      key: 'new',
      seen: undefined,
      set: [{ key: 'new', value: 7 }],
    })
    const set = { key: 'late', value: { b: 'ü' }, ttlMs: 60_000 }
    await documents.change({ key: 'late', seen: undefined, set: [set] })
    for (const key of ['plain', 'expiring', 'many', 'new', 'late']) {
      const seen = await documents.see(key)
      t.equal(seen?.text, adapter.documents.get(`erasure:${key}`))
      const again = { key, value: 'again' }
      t.ok(await documents.change({ key, seen: seen?.text, set: [again] }), key)
      t.notOk(await documents.change({ key, seen: seen?.text, set: [again] }), key)
      t.equal(await documents.get(key), 'again')
    }
    t.equal(await documents.see('nobody'), undefined)
  })

  t.test(`both ways of writing store the same, ${how}`, async t => {
    const clock = fakeClock(1_000_000)
    const adapter = memoryStore(conditional, clock)
    const documents = new Documents(adapter, 'x', clock)
    for (const ttlMs of [undefined, 0, 0.4, 5000]) {
      const document = {
        key: 'key',
        value: { a: ['x', null] },
        ...(ttlMs !== undefined && { ttlMs }),
      }
      await documents.set(document)
      const text = adapter.documents.get('erasure:key')
      await documents.delete('key')
      t.ok(await documents.change({ key: 'key', seen: undefined, set: [document] }))
      t.equal(adapter.documents.get('erasure:key'), text, `${ttlMs} ms`)
      t.equal(text === undefined, ttlMs === 0, 'no time at all is past at once')
      await documents.delete('key')
    }
  })

  t.test(`of changes that have seen the same, one is made, ${how}`, async t => {
    const documents = open(memoryStore(conditional))
    await documents.set({ key: 'key', value: 0 })
    const { text } = (await documents.see('key')) ?? {}
    const made = await Promise.all(
      [1, 2, 3].map(value =>
        documents.change({ key: 'key', seen: text, set: [{ key: 'key', value }] }),
      ),
    )
    t.same(made, [true, false, false])
    t.equal(await documents.get('key'), 1)
    const other = { key: 'other', value: 1 }
    t.notOk(
      await documents.change({ key: 'key', seen: text, set: [other], delete: ['key'] }),
    )
    t.equal(await documents.get('other'), undefined, 'nothing of it')
    t.equal(await documents.get('key'), 1)
  })

  // Issue 8.7: the injected clock decides, for every adapter.
  t.test(`what is past its time by the one clock is not there, ${how}`, async t => {
    const clock = fakeClock()
    const deaf = memoryStore(conditional, frozen)
    for (const adapter of [memoryStore(conditional, clock), deaf]) {
      const documents = new Documents(adapter, 'x', clock)
      await documents.set({ key: 'kind:1', value: 'x', ttlMs: 1000 })
      await documents.set({ key: 'kind:2', value: 'y' })
      const all = async () => {
        const values: unknown[] = []
        for await (const { value } of documents.all('kind')) values.push(value)
        return values
      }
      await clock.advance(999)
      t.equal(await documents.get('kind:1'), 'x')
      t.same(await all(), ['x', 'y'])
      await clock.advance(11)
      t.equal(await documents.get('kind:1'), undefined)
      t.same(await all(), ['y'])
      await documents.reviewTimes('kind')
      const isLeft = adapter.documents.has('erasure:kind:1')
      t.equal(isLeft, conditional && adapter === deaf, 'nor on disk, if that is for us')
    }
  })

  // Issue 9.A7.
  t.test(
    `what was written under a clock that was ahead lives no longer for it, ${how}`,
    async t => {
      const clock = fakeClock()
      const ahead = fakeClock(clock.now() + 70 * 366 * DAY_MS)
      const adapter = memoryStore(conditional, frozen)
      await new Documents(adapter, 'x', ahead).set({
        key: 'kind:1',
        value: 'x',
        ttlMs: DAY_MS,
      })
      const documents = new Documents(adapter, 'x', clock)
      await documents.set({ key: 'kind:2', value: 'y', ttlMs: DAY_MS })
      const other = adapter.documents.get('erasure:kind:2')
      t.equal(await documents.get('kind:1'), 'x', 'it does not vanish')
      await documents.reviewTimes('kind')
      t.equal(adapter.documents.get('erasure:kind:2'), other)
      await clock.advance(DAY_MS - 1)
      t.equal(await documents.get('kind:1'), 'x', 'nor early')
      await clock.advance(DAY_MS / 20)
      t.equal(await documents.get('kind:1'), undefined, 'nor does it stay')
    },
  )

  // Issue 8.7: what 0.1 has stored, through Keyv.
  t.test(`documents of version 0.1 are read, and end when they said, ${how}`, async t => {
    const clock = fakeClock()
    const adapter = memoryStore(conditional, frozen)
    const documents = new Documents(adapter, 'x', clock)
    const expires = clock.now() + 1000
    adapter.documents.set('erasure:kind:1', JSON.stringify({ value: 5, expires }))
    adapter.documents.set('erasure:kind:2', JSON.stringify({ value: 6, expires: null }))
    await documents.reviewTimes('kind')
    t.equal(await documents.get('kind:1'), 5)
    await clock.advance(1000)
    t.equal(await documents.get('kind:1'), undefined)
    t.equal(await documents.get('kind:2'), 6)
  })

  t.test(
    `an adapter that says what is wrong in our own codes is passed on, ${how}`,
    async t => {
      const adapter = memoryStore(conditional)
      const documents = open(adapter)
      await documents.set({ key: 'key', value: 'x' })
      const text = adapter.documents.get('erasure:key')
      const foreign = new ErasureError('STORE_FOREIGN', 'a newer version', { store: 'x' })
      const fail = async () => {
        throw foreign
      }
      const { get } = adapter
      Object.assign(adapter, { get: fail, set: fail, setMany: fail, delete: fail })
      if (conditional) adapter.writeIf = fail
      adapter.iterator = () => {
        throw foreign
      }
      await t.rejects(documents.get('key'), foreign)
      await t.rejects(documents.all('key').next(), foreign)
      await t.rejects(documents.set({ key: 'key', value: 'y' }), foreign)
      await t.rejects(documents.setMany([{ key: 'key', value: 'y' }]), foreign)
      await t.rejects(documents.delete('key'), foreign)
      adapter.get = get
      const set = { key: 'key', value: 'y' }
      await t.rejects(documents.change({ key: 'key', seen: text, set: [set] }), foreign)
    },
  )
}

t.test('any answer to a conditional write but true or false is an error', async t => {
  const adapter = memoryStore(true)
  const documents = open(adapter)
  const change = { key: 'key', seen: undefined, set: [{ key: 'key', value: 1 }] }
  for (const how of ['throw', 'answer false', 'answer nothing'] as const) {
    adapter.failWrites = how
    await t.rejects(documents.change(change), { code: 'STORE_UNWRITABLE' }, how)
  }
})

t.test(
  'without writeIf, a change sets before it deletes, and others wait for it',
  async t => {
    const adapter = memoryStore()
    const documents = open(adapter)
    await documents.set({ key: 'old', value: 1 })
    const { text } = (await documents.see('old')) ?? {}
    const change = {
      key: 'old',
      seen: text,
      set: [{ key: 'new', value: 1 }],
      delete: ['old'],
    }
    const { delete: remove } = adapter
    adapter.delete = async () => {
      throw new Error('the power is cut')
    }
    await t.rejects(documents.change(change), { code: 'STORE_UNWRITABLE' })
    t.equal(await documents.get('new'), 1)
    t.equal(await documents.get('old'), 1, 'it is done again, not lost')
    adapter.delete = remove
    const disk = Promise.withResolvers<void>()
    const { set } = adapter
    adapter.set = async (...given) => {
      await disk.promise
      return set(...given)
    }
    const first = documents.change(change)
    const second = documents.change(change)
    disk.resolve()
    t.same(await Promise.all([first, second]), [true, false])
  },
)

t.test('an adapter that takes the text apart by itself can be changed too', async t => {
  const adapter = memoryStore()
  const documents = open(adapter)
  await documents.set({ key: 'key', value: { a: 1 } })
  adapter.get = async key => JSON.parse(adapter.documents.get(key) ?? 'null')
  const seen = await documents.see('key')
  t.same(seen?.value, { a: 1 })
  t.ok(await documents.change({ key: 'key', seen: seen?.text, delete: ['key'] }))
  t.equal(await documents.get('key'), undefined)
})

t.test('two that share a SQLite file see each other', async t => {
  const adapter = sqliteStore({ path: join(t.testdir(), 'erasure.db') })
  t.teardown(() => adapter.disconnect?.())
  const [one, other] = [
    new Documents(adapter, 'x', systemClock),
    new Documents(adapter, 'x', systemClock),
  ]
  await one.set({ key: 'key', value: 0 })
  const { text } = (await one.see('key')) ?? {}
  const made = await Promise.all(
    [one, other].map((documents, index) =>
      documents.change({
        key: 'key',
        seen: text,
        set: [{ key: 'key', value: index + 1 }],
      }),
    ),
  )
  t.same(made, [true, false])
})

t.test('an adapter is told how long each of several documents lives', async t => {
  const adapter = memoryStore()
  const told: unknown[] = []
  adapter.setMany = async entries => {
    for (const { key, ttl } of entries) told.push([key, ttl])
    return entries.map(() => true) as never
  }
  const documents = new Documents(adapter, 'x', fakeClock(1_000_000))
  await documents.setMany([
    { key: 'for ever', value: 1 },
    { key: 'a while', value: 2, ttlMs: 5000 },
    { key: 'no time', value: 3, ttlMs: 0 },
  ])
  t.same(told, [
    ['erasure:for ever', undefined],
    ['erasure:a while', 5000],
  ])
})
