import { join } from 'node:path'

import t from 'tap'

import { standInId, standInTag } from '../../lib/testing/engines/stand-ins.ts'
import type { Sealed } from '../../lib/user-seal/user-seal.ts'
import { openErasureStore } from '../../lib/store/erasure-store.ts'
import { magnitude } from '../../lib/request/record.ts'
import { createRequestIds } from '../../lib/request/request-id.ts'
import type { OpenRequest } from '../../lib/request/open-request.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { memoryStore } from '../support/memory-store.ts'

const request: OpenRequest = {
  id: standInId('request-1'),
  tag: standInTag('tag-1'),
  sealed: 'sealed' as Sealed,
  receivedAt: 1,
  handlers: {},
}
const next: OpenRequest = { ...request, turn: 1 }
const record = {
  requestId: standInId('request-1'),
  outcome: 'erased' as const,
  receivedAt: 1,
  finishedAt: 2,
  handlers: {},
}
const never = new AbortController().signal

t.test('a store that does not say it is durable is refused', async t => {
  t.throws(() => openErasureStore(memoryStore(), false), {
    code: 'STORE_VOLATILE',
    message: /the memory of a test/,
  })
  t.doesNotThrow(() => openErasureStore(memoryStore(), true))
  t.doesNotThrow(() =>
    openErasureStore(Object.assign(memoryStore(), { durable: true }), false),
  )
})

t.test('accepting is one write of the request and its tombstone', async t => {
  const adapter = memoryStore()
  let writes = 0
  const { setMany } = adapter
  adapter.setMany = entries => {
    writes += 1
    return setMany?.(entries) as never
  }
  const store = openErasureStore(adapter, true)
  await store.accept(request, 1000)
  t.equal(writes, 1)
  t.same(
    [...adapter.documents.keys()],
    ['erasure:request:request-1', 'erasure:tombstone:tag-1'],
  )
  t.ok(await store.isErased(standInTag('tag-1')))
  t.notOk(await store.isErased(standInTag('tag-2')))
  t.same(await store.load(standInId('request-1')), request)
})

t.test('any answer to a write but true is an error, since Keyv hides them', async t => {
  const adapter = memoryStore()
  const store = openErasureStore(adapter, true)
  await store.accept(request, 1000)
  for (const how of ['throw', 'answer false', 'answer nothing'] as const) {
    adapter.failWrites = how
    await t.rejects(store.accept(request, 1000), { code: 'STORE_UNWRITABLE' }, how)
    if (how === 'answer nothing') continue // Keyv takes it for true on a single write.
    await t.rejects(store.save(next, request), { code: 'STORE_UNWRITABLE' }, how)
    await t.rejects(store.finish(record, 1000, request, never), {
      code: 'STORE_UNWRITABLE',
    })
  }
  adapter.failWrites = 'no'
  await store.save(next, request)
})

t.test('an adapter that answers too few writes has not written', async t => {
  const adapter = memoryStore()
  adapter.setMany = async () => [true] as never
  await t.rejects(openErasureStore(adapter, true).accept(request, 1000), {
    code: 'STORE_UNWRITABLE',
  })
})

t.test('a read that fails is an error, not an absence', async t => {
  const adapter = memoryStore()
  const store = openErasureStore(adapter, true)
  adapter.failReads = true
  await t.rejects(store.isErased(standInTag('tag-1')), { code: 'STORE_UNREADABLE' })
  await t.rejects(store.load(standInId('request-1')), { code: 'STORE_UNREADABLE' })
  await t.rejects(store.openRequests().next(), { code: 'STORE_UNREADABLE' })
  const blind = memoryStore()
  delete blind.iterator
  await t.rejects(openErasureStore(blind, true).openRequests().next(), {
    code: 'STORE_UNREADABLE',
  })
})

for (const conditional of [true, false]) {
  const how = conditional ? 'with writeIf' : 'without writeIf'

  t.test(`finishing puts the record in the place of the request, ${how}`, async t => {
    const adapter = memoryStore(conditional)
    let forgotten = 0
    adapter.forget = async () => void (forgotten += 1)
    const store = openErasureStore(adapter, true)
    await store.accept(request, 1000)
    await store.save(next, request)
    await store.finish(record, 1000, next, never)
    t.equal(forgotten, 1)
    t.equal(await store.load(standInId('request-1')), undefined)
    const records: unknown[] = []
    for await (const kept of store.records()) records.push(kept)
    t.same(records, [record])
  })

  t.test(`a request that somebody else has changed is not written, ${how}`, async t => {
    const adapter = memoryStore(conditional)
    const store = openErasureStore(adapter, true)
    await store.accept(request, 1000)
    const loaded = await store.load(standInId('request-1'))
    if (loaded === undefined) throw new Error('it is lost')
    const other = openErasureStore(adapter, true)
    await other.save(next, request)
    const stored = [...adapter.documents]
    await t.rejects(store.save({ ...loaded, turn: 2 }, loaded), {
      code: 'REQUEST_TAKEN',
      message: /another process works on this request/,
    })
    await t.rejects(store.finish(record, 1000, loaded, never), { code: 'REQUEST_TAKEN' })
    t.same([...adapter.documents], stored, 'no record either')
    await other.finish(record, 1000, next, never)
    await t.rejects(store.save(loaded, loaded), { code: 'REQUEST_TAKEN' })
    t.equal(
      await store.load(standInId('request-1')),
      undefined,
      'a finished one stays finished',
    )
  })

  t.test(`a tombstone that was lifted is not renewed, ${how}`, async t => {
    const store = openErasureStore(memoryStore(conditional), true)
    await store.accept(request, 1000)
    await store.renewTombstone(standInTag('tag-1'), 2000)
    t.ok(await store.lift(standInTag('tag-1')))
    await store.renewTombstone(standInTag('tag-1'), 2000)
    t.notOk(await store.isErased(standInTag('tag-1')))
    t.notOk(await store.lift(standInTag('tag-1')))
  })

  t.test(`the key check is written once, ${how}`, async t => {
    const store = openErasureStore(memoryStore(conditional), true)
    t.same(await Promise.all(['a', 'b', 'a'].map(check => store.setKeyCheck(check))), [
      true,
      false,
      false,
    ])
    t.equal(await store.keyCheck(), 'a')
  })
}

t.test('a request in another form than ours can be worked on', async t => {
  const adapter = memoryStore(true)
  const store = openErasureStore(adapter, true)
  const key = 'erasure:request:request-1'
  adapter.documents.set(key, JSON.stringify({ expires: null, value: request }, null, 2))
  const loaded = await store.load(standInId('request-1'))
  t.same(loaded, request)
  if (loaded !== undefined) await store.save(next, loaded)
  t.same(await store.load(standInId('request-1')), next)
})

t.test('lifted by one process while another renews it, a user stays lifted', async t => {
  const adapter = sqliteStore({ path: join(t.testdir(), 'erasure.db') })
  t.teardown(() => adapter.disconnect?.())
  const [one, other] = [
    openErasureStore(adapter, false),
    openErasureStore(adapter, false),
  ]
  for (let round = 0; round < 20; round += 1) {
    await one.accept(request, 1000)
    const renewed = one.renewTombstone(standInTag('tag-1'), 2000)
    // Each round one step further into the other's work.
    for (let step = 0; step < round; step += 1) await Promise.resolve()
    t.ok(await other.lift(standInTag('tag-1')))
    await renewed
    t.notOk(await one.isErased(standInTag('tag-1')))
  }
})

t.test('a tombstone that is past its time by the clock of the store only', async t => {
  const adapter = memoryStore(true)
  const store = openErasureStore(adapter, true)
  await store.accept(request, 1000)
  let refused = 0
  adapter.writeIf = async () => {
    refused += 1
    return false
  }
  await store.renewTombstone(standInTag('tag-1'), 2000)
  t.notOk(await store.lift(standInTag('tag-1')))
  t.equal(refused, 2, 'it is not tried for ever')
})

t.test('a tombstone that is renewed twice at once is renewed', async t => {
  const adapter = memoryStore(true)
  const [one, other] = [openErasureStore(adapter, true), openErasureStore(adapter, true)]
  await one.accept(request, 1000)
  const expires = () =>
    JSON.parse(adapter.documents.get('erasure:tombstone:tag-1') ?? '').expires
  const before = expires()
  await Promise.all([
    one.renewTombstone(standInTag('tag-1'), 60_000),
    other.renewTombstone(standInTag('tag-1'), 61_000),
  ])
  t.ok(expires() >= before + 50_000)
})

t.test('word of a retry waits until it is cleared', async t => {
  const store = openErasureStore(memoryStore(), true)
  t.notOk(await store.isRetryAsked(standInId('request-1')))
  await store.askRetry(standInId('request-1'), 1000)
  t.ok(await store.isRetryAsked(standInId('request-1')))
  await store.clearRetry(standInId('request-1'))
  t.notOk(await store.isRetryAsked(standInId('request-1')))
})

t.test('records tell orders of magnitude', async t => {
  const counts = [0, 1, 9, 10, 99, 100, 999, 1000, 5000]
  t.same(counts.map(magnitude), [
    '0',
    '1+',
    '1+',
    '10+',
    '10+',
    '100+',
    '100+',
    '1000+',
    '1000+',
  ])
})

t.test('request ids are UUIDs of version 7, in the order of their time', async t => {
  const nextId = createRequestIds()
  const ids = Array.from({ length: 3000 }, (_, index) =>
    nextId(Date.UTC(2026, 0, 1) + index),
  )
  const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  t.ok(ids.every(id => form.test(id)))
  t.same(ids.toSorted(), ids)
  t.equal(new Set(ids.map(id => id.slice(14))).size, ids.length)
})
