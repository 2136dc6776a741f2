import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import t from 'tap'

import { sqliteStore } from '../../../lib/engines/sqlite/sqlite-store.ts'
import { fakeClock } from '../../support/fake-clock.ts'

t.test(
  '9.A9: what was deleted or has expired leaves every file within ten seconds',
  async t => {
    const path = join(t.testdir(), 'erasure.db')
    const clock = fakeClock()
    const store = sqliteStore({ path, clock })
    t.teardown(() => store.disconnect?.())
    const files = () =>
      ['', '-wal'].map(suffix => readFileSync(path + suffix, 'latin1')).join('')
    const isGoneAfter = async (what: string, remove: () => Promise<unknown>) => {
      await store.set('a:1', 'findme')
      await store.set('kept', 'something')
      await remove()
      t.match(files(), 'findme', `${what}: still in the log`)
      await clock.advance(10_000)
      t.notMatch(files(), 'findme', what)
    }
    await clock.advance(0)
    await isGoneAfter('delete', async () => store.delete('a:1'))
    await isGoneAfter('deleteMany', async () => store.deleteMany?.(['a:1']))
    await isGoneAfter('clear', async () => {
      store.namespace = 'a'
      await store.clear()
    })
    await isGoneAfter('writeIf', async () =>
      store.writeIf?.({
        expected: { key: 'a:1', value: 'findme' },
        set: [],
        delete: ['a:1'],
      }),
    )
    await store.set('a:2', 'findme', 1)
    await clock.advance(60 * 60 * 1000)
    await clock.advance(10_000)
    t.notMatch(files(), 'findme', 'expiry')
  },
)

t.test('9.A6: zero, negative and odd times to live are no times for ever', async t => {
  const path = join(t.testdir(), 'erasure.db')
  const clock = fakeClock()
  const store = sqliteStore({ path, clock })
  t.teardown(() => store.disconnect?.())
  for (const ttl of [0, -0, -1, -0.5, -1e300]) {
    await store.set('a', '1')
    t.equal(await store.set('a', '2', ttl), true)
    t.equal(await store.get('a'), undefined, `${ttl}: gone at once`)
    await store.setMany?.([{ key: 'b', value: '2', ttl }])
    t.notOk(await store.has?.('b'), `setMany, ${ttl}`)
  }
  await store.set('a', '2', 0.001)
  await store.set('b', '2', 60_000.5)
  t.equal(await store.get('a'), '2', 'a part of a millisecond is one')
  t.ok(await store.has?.('b'))
  const { expires } = readRow(path, 'b')
  t.ok(expires === clock.now() + 60_001, 'a whole number')
  for (const ttl of [Number.NaN, Infinity, -Infinity]) {
    await t.rejects(store.set('c', '1', ttl), TypeError, `${ttl}`)
    t.equal(await store.get('c'), undefined)
  }
})

function readRow(path: string, key: string): { expires: number } {
  const reader = new DatabaseSync(path, { readOnly: true })
  const row = reader.prepare('SELECT expires FROM document WHERE key = ?').get(key)
  reader.close()
  return row as { expires: number }
}

t.test(
  '9.A6: at its very last moment a document is gone, by every way of asking',
  async t => {
    const clock = fakeClock()
    const store = sqliteStore({ path: join(t.testdir(), 'erasure.db'), clock })
    t.teardown(() => store.disconnect?.())
    await clock.advance(0)
    const HOUR_MS = 60 * 60 * 1000
    const again = () =>
      store.writeIf?.({ expected: { key: 'a', value: '1' }, set: [], delete: [] })
    await store.set('a', '1', HOUR_MS / 2)
    await clock.advance(HOUR_MS / 2 - 1)
    t.ok(await store.has?.('a'))
    t.ok(await again())
    await clock.advance(1)
    t.notOk(await store.has?.('a'))
    t.notOk(await again())
    t.equal(await store.get('a'), '1', 'on disk until the next run')
    await store.set('a', '1', HOUR_MS / 2)
    await clock.advance(HOUR_MS / 2)
    t.equal(await store.get('a'), undefined, 'a run at that moment deletes it')
  },
)

t.test('9.A9: where nothing was deleted, nothing is forgotten', async t => {
  const clock = fakeClock()
  const store = sqliteStore({ path: join(t.testdir(), 'erasure.db'), clock })
  t.teardown(() => store.disconnect?.())
  await clock.advance(0)
  const { armed } = clock
  await store.set('a', '1')
  await store.delete('b')
  t.equal(clock.armed, armed)
  await store.delete('a')
  t.equal(clock.armed, armed + 1)
  await store.set('a', '1')
  await clock.advance(10_000)
  await store.set('a', '2')
  t.equal(clock.armed, armed)
})

t.test('a namespace ends before the keys that come right behind it', async t => {
  const store = sqliteStore({ path: join(t.testdir(), 'erasure.db') })
  t.teardown(() => store.disconnect?.())
  for (const key of ['ns:', 'ns:a', 'ns;', 'ns']) await store.set(key, '1')
  const found: unknown[] = []
  for await (const [key] of store.iterator?.('ns') ?? []) found.push(key)
  t.same(found, ['ns:a'])
  store.namespace = 'ns'
  await store.clear()
  t.same(await Promise.all(['ns:', 'ns:a', 'ns;', 'ns'].map(key => store.get(key))), [
    undefined,
    undefined,
    '1',
    '1',
  ])
})
