import { join } from 'node:path'

import t from 'tap'

import { ErasureError } from '../../lib/errors.ts'
import { Documents } from '../../lib/store/documents.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { memoryStore } from '../support/memory-store.ts'

const open = (adapter: ReturnType<typeof memoryStore>) =>
  new Documents(adapter, 'the memory of a test')

for (const conditional of [true, false]) {
  const how = conditional ? 'with writeIf' : 'without writeIf'

  t.test(`what is seen is what is stored, ${how}`, async t => {
    const adapter = memoryStore(conditional)
    const documents = open(adapter)
    await documents.set('plain', { a: 1, b: undefined })
    await documents.set('expiring', 'x', 60_000)
    await documents.setMany([{ key: 'many', value: 'y', ttl: 60_000 }])
    await documents.change({ key: 'new', seen: undefined, set: { key: 'new', value: 7 } })
    const set = { key: 'late', value: { b: 'ü' }, ttl: 60_000 }
    await documents.change({ key: 'late', seen: undefined, set })
    for (const key of ['plain', 'expiring', 'many', 'new', 'late']) {
      const seen = await documents.see(key)
      t.equal(seen?.text, adapter.documents.get(`erasure:${key}`))
      const again = { key, value: 'again' }
      t.ok(await documents.change({ key, seen: seen?.text, set: again }), key)
      t.notOk(await documents.change({ key, seen: seen?.text, set: again }), key)
      t.equal(await documents.get(key), 'again')
    }
    t.equal(await documents.see('nobody'), undefined)
  })

  t.test(`both ways of writing store the same text, ${how}`, async t => {
    const adapter = memoryStore(conditional)
    const documents = open(adapter)
    const { now } = Date
    t.teardown(() => (Date.now = now))
    Date.now = () => 1_000_000
    for (const ttl of [undefined, 0, 5000]) {
      const entry = {
        key: 'key',
        value: { a: ['x', null] },
        ...(ttl === undefined ? {} : { ttl }),
      }
      await documents.set('key', entry.value, ttl)
      const byKeyv = adapter.documents.get('erasure:key')
      await documents.delete('key')
      t.ok(await documents.change({ key: 'key', seen: undefined, set: entry }))
      t.equal(adapter.documents.get('erasure:key'), byKeyv, `ttl ${ttl}`)
      await documents.delete('key')
    }
  })

  t.test(`of changes that have seen the same, one is made, ${how}`, async t => {
    const documents = open(memoryStore(conditional))
    await documents.set('key', 0)
    const { text } = (await documents.see('key')) ?? {}
    const made = await Promise.all(
      [1, 2, 3].map(value =>
        documents.change({ key: 'key', seen: text, set: { key: 'key', value } }),
      ),
    )
    t.same(made, [true, false, false])
    t.equal(await documents.get('key'), 1)
    const other = { key: 'other', value: 1 }
    t.notOk(await documents.change({ key: 'key', seen: text, set: other, delete: 'key' }))
    t.equal(await documents.get('other'), undefined, 'nothing of it')
    t.equal(await documents.get('key'), 1)
  })

  t.test(`what is past its time is not there, ${how}`, async t => {
    const adapter = memoryStore(conditional)
    const documents = open(adapter)
    await documents.set('key', 'x', 1)
    while ((await documents.get('key')) !== undefined) {
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    t.equal(
      adapter.documents.has('erasure:key'),
      conditional,
      'an adapter with writeIf deletes it by itself',
    )
  })

  t.test(
    `an adapter that says what is wrong in our own codes is passed on, ${how}`,
    async t => {
      const adapter = memoryStore(conditional)
      const documents = open(adapter)
      await documents.set('key', 'x')
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
      await t.rejects(documents.set('key', 'y'), foreign)
      await t.rejects(documents.setMany([{ key: 'key', value: 'y' }]), foreign)
      await t.rejects(documents.delete('key'), foreign)
      adapter.get = get
      const set = { key: 'key', value: 'y' }
      await t.rejects(documents.change({ key: 'key', seen: text, set }), foreign)
    },
  )
}

t.test('any answer to a conditional write but true or false is an error', async t => {
  const adapter = memoryStore(true)
  const documents = open(adapter)
  const change = { key: 'key', seen: undefined, set: { key: 'key', value: 1 } }
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
    await documents.set('old', 1)
    const { text } = (await documents.see('old')) ?? {}
    const change = {
      key: 'old',
      seen: text,
      set: { key: 'new', value: 1 },
      delete: 'old',
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
    const other = documents.change({ key: 'third', seen: undefined })
    t.ok(await other, 'changes of other documents do not wait')
    disk.resolve()
    t.same(await Promise.all([first, second]), [true, false])
  },
)

t.test('an adapter that takes the text apart by itself can be changed too', async t => {
  const adapter = memoryStore()
  const documents = open(adapter)
  await documents.set('key', { a: 1 })
  adapter.get = async key => JSON.parse(adapter.documents.get(key) ?? 'null')
  const seen = await documents.see('key')
  t.same(seen?.value, { a: 1 })
  t.ok(await documents.change({ key: 'key', seen: seen?.text, delete: 'key' }))
  t.equal(await documents.get('key'), undefined)
})

t.test('two that share a SQLite file see each other', async t => {
  const adapter = sqliteStore({ path: join(t.testdir(), 'erasure.db') })
  t.teardown(() => adapter.disconnect?.())
  const [one, other] = [new Documents(adapter, 'x'), new Documents(adapter, 'x')]
  await one.set('key', 0)
  const { text } = (await one.see('key')) ?? {}
  const made = await Promise.all(
    [one, other].map((documents, index) =>
      documents.change({ key: 'key', seen: text, set: { key: 'key', value: index + 1 } }),
    ),
  )
  t.same(made, [true, false])
})
