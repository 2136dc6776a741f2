import t from 'tap'

import { standInId, standInTag } from '../../lib/testing/engines/stand-ins.ts'
import type { Sealed } from '../../lib/user-seal/user-seal.ts'
import { systemClock } from '../../lib/host/clock.ts'
import type { StoreAdapter } from '../../lib/store/adapter.ts'
import { openErasureStore } from '../../lib/store/erasure-store.ts'
import { magnitude } from '../../lib/request/record.ts'
import { createRequestIds } from '../../lib/request/request-id.ts'
import type { OpenRequest } from '../../lib/request/open-request.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { memoryStore } from '../support/memory-store.ts'

const DAY_MS = 24 * 60 * 60 * 1000

const request: OpenRequest = {
  id: standInId('request-1'),
  tag: standInTag('tag-1'),
  sealed: 'sealed' as Sealed,
  receivedAt: 1,
  handlers: {},
}
const next: OpenRequest = { ...request, claims: 1 }
const record = {
  requestId: standInId('request-1'),
  outcome: 'erased' as const,
  receivedAt: 1,
  finishedAt: 2,
  handlers: {},
}
const never = new AbortController().signal
const lifetimes = { recordMs: 1000, tombstoneMs: 1000 }
const open = (adapter: StoreAdapter, allowVolatileStore = true) =>
  openErasureStore(adapter, allowVolatileStore, systemClock)

t.test('a store that does not say it is durable is refused', async t => {
  t.throws(() => open(memoryStore(), false), {
    code: 'STORE_VOLATILE',
    message: /the memory of a test/,
  })
  t.doesNotThrow(() => open(memoryStore()))
  t.doesNotThrow(() => open(Object.assign(memoryStore(), { durable: true }), false))
})

t.test('accepting is one write of the request and its tombstone', async t => {
  const adapter = memoryStore()
  let writes = 0
  const { setMany } = adapter
  adapter.setMany = entries => {
    writes += 1
    return setMany?.(entries) as never
  }
  const store = open(adapter)
  await store.accept(request)
  t.equal(writes, 1)
  t.same(
    [...adapter.documents.keys()],
    [
      'erasure:request:request-1',
      'erasure:tombstone:tag-1',
      'erasure:open:tag-1:request-1',
    ],
  )
  t.ok(await store.isErased(standInTag('tag-1')))
  t.notOk(await store.isErased(standInTag('tag-2')))
  t.same(await store.load(standInId('request-1')), request)
})

t.test('any answer to a write but true is an error, since Keyv hides them', async t => {
  const adapter = memoryStore()
  const store = open(adapter)
  await store.accept(request)
  for (const how of ['throw', 'answer false', 'answer nothing'] as const) {
    adapter.failWrites = how
    await t.rejects(store.accept(request), { code: 'STORE_UNWRITABLE' }, how)
    if (how === 'answer nothing') continue // Keyv takes it for true on a single write.
    await t.rejects(store.save(next, request), { code: 'STORE_UNWRITABLE' }, how)
    await t.rejects(store.finish(request, record, lifetimes), {
      code: 'STORE_UNWRITABLE',
    })
  }
  adapter.failWrites = 'no'
  await store.save(next, request)
})

t.test('an adapter that answers too few writes has not written', async t => {
  const adapter = memoryStore()
  adapter.setMany = async () => [true] as never
  await t.rejects(open(adapter).accept(request), {
    code: 'STORE_UNWRITABLE',
  })
})

t.test('a read that fails is an error, not an absence', async t => {
  const adapter = memoryStore()
  const store = open(adapter)
  adapter.failReads = true
  await t.rejects(store.isErased(standInTag('tag-1')), { code: 'STORE_UNREADABLE' })
  await t.rejects(store.load(standInId('request-1')), { code: 'STORE_UNREADABLE' })
  await t.rejects(store.openRequests().next(), { code: 'STORE_UNREADABLE' })
  const blind = memoryStore()
  delete blind.iterator
  await t.rejects(open(blind).openRequests().next(), {
    code: 'STORE_UNREADABLE',
  })
})

for (const conditional of [true, false]) {
  const how = conditional ? 'with writeIf' : 'without writeIf'

  t.test(`finishing puts the record in the place of the request, ${how}`, async t => {
    const adapter = memoryStore(conditional)
    let forgotten = 0
    adapter.forget = async () => void (forgotten += 1)
    const store = open(adapter)
    await store.accept(request)
    await store.save(next, request)
    await store.finish(next, record, lifetimes)
    t.equal(forgotten, 0, 'nobody waits for that')
    await store.forget(never)
    t.equal(forgotten, 1)
    t.equal(await store.load(standInId('request-1')), undefined)
    const records: unknown[] = []
    for await (const kept of store.records()) records.push(kept)
    t.same(records, [record])
  })

  t.test(`a request that somebody else has changed is not written, ${how}`, async t => {
    const adapter = memoryStore(conditional)
    const store = open(adapter)
    await store.accept(request)
    const loaded = await store.load(standInId('request-1'))
    if (loaded === undefined) throw new Error('it is lost')
    const other = open(adapter)
    await other.save(next, request)
    const stored = [...adapter.documents]
    await t.rejects(store.save({ ...loaded, claims: 2 }, loaded), {
      code: 'REQUEST_TAKEN',
      message: /another process works on this request/,
    })
    await t.rejects(store.finish(loaded, record, lifetimes), { code: 'REQUEST_TAKEN' })
    t.same([...adapter.documents], stored, 'no record either')
    await other.finish(next, record, lifetimes)
    await t.rejects(store.save(loaded, loaded), { code: 'REQUEST_TAKEN' })
    t.equal(
      await store.load(standInId('request-1')),
      undefined,
      'a finished one stays finished',
    )
  })

  t.test(`the key check is written once, ${how}`, async t => {
    const store = open(memoryStore(conditional))
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
  const store = open(adapter)
  const key = 'erasure:request:request-1'
  adapter.documents.set(key, JSON.stringify({ expires: null, value: request }, null, 2))
  const loaded = await store.load(standInId('request-1'))
  t.same(loaded, request)
  if (loaded !== undefined) await store.save(next, loaded)
  t.same(await store.load(standInId('request-1')), next)
})

t.test('a start is told every retry that was asked for, for thirty days', async t => {
  const clock = fakeClock()
  const store = openErasureStore(memoryStore(true, clock), true, clock)
  await store.askRetry(standInId('request-1'))
  await store.askRetry(standInId('request-2'))
  t.same([...(await store.retriesAsked())].toSorted(), ['request-1', 'request-2'])
  await store.clearRetry(standInId('request-2'))
  await clock.advance(30 * DAY_MS - 1)
  t.same([...(await store.retriesAsked())], ['request-1'])
  // The end of a document is rounded up by a hundredth of its life at most.
  await clock.advance(DAY_MS)
  t.same([...(await store.retriesAsked())], [])
})

t.test('what a clock ahead has stored is put right, whatever it is', async t => {
  const clock = fakeClock()
  const adapter = memoryStore(true, clock)
  const ahead = fakeClock(clock.now() + 365 * DAY_MS)
  const store = openErasureStore(adapter, true, ahead)
  await store.accept(request)
  await store.finish(request, record, lifetimes)
  await store.askRetry(standInId('request-1'))
  const ends = () =>
    ['record:request-1', 'tombstone:tag-1', 'retry:request-1'].map(
      key => JSON.parse(adapter.documents.get(`erasure:${key}`) ?? '{}').expires,
    )
  for (const end of ends()) t.ok(end > clock.now() + 364 * DAY_MS)
  await openErasureStore(adapter, true, clock).reviewTimes()
  for (const end of ends()) t.ok(end < clock.now() + 31 * DAY_MS)
})

t.test('an error says which store it was', async t => {
  const adapter = Object.assign(memoryStore(), { failReads: true, failWrites: 'throw' })
  const store = open(adapter)
  const named = { store: 'the memory of a test', message: /^the memory of a test / }
  await t.rejects(store.load(standInId('request-1')), named)
  await t.rejects(store.accept(request), named)
})

t.test('word of a retry waits until it is cleared', async t => {
  const store = open(memoryStore())
  t.notOk(await store.isRetryAsked(standInId('request-1')))
  await store.askRetry(standInId('request-1'))
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
