import { join } from 'node:path'

import t from 'tap'

import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import type { OpenRequest } from '../../lib/request/open-request.ts'
import type { StoreAdapter } from '../../lib/store/adapter.ts'
import { type ErasureStore, openErasureStore } from '../../lib/store/erasure-store.ts'
import { standInId, standInTag } from '../../lib/testing/engines/stand-ins.ts'
import type { Sealed } from '../../lib/user-seal/user-seal.ts'
import { type FakeClock, fakeClock } from '../support/fake-clock.ts'
import { memoryStore } from '../support/memory-store.ts'

const YEAR_MS = 365 * 24 * 60 * 60 * 1000
const lifetimes = { recordMs: YEAR_MS, tombstoneMs: 1000 }
const tag = standInTag('tag-1')
const request = (id: string): OpenRequest => ({
  id: standInId(id),
  tag,
  sealed: 'sealed' as Sealed,
  receivedAt: 5,
  held: true,
  handlers: {},
})
const [one, other] = [request('request-1'), request('request-2')]
const finish = (store: ErasureStore, finished: OpenRequest, change = {}) =>
  store.finish(
    finished,
    {
      requestId: finished.id,
      outcome: 'erased',
      receivedAt: 5,
      finishedAt: 6,
      handlers: {},
    },
    { ...lifetimes, ...change },
  )

function setUp(conditional: boolean): {
  clock: FakeClock
  adapter: ReturnType<typeof memoryStore>
  store: ErasureStore
} {
  const clock = fakeClock()
  const adapter = memoryStore(conditional, clock)
  return { clock, adapter, store: openErasureStore(adapter, true, clock) }
}

for (const conditional of [true, false]) {
  const how = conditional ? 'with writeIf' : 'without writeIf'

  t.test(`9.A3: a tombstone waits for the request, however long, ${how}`, async t => {
    const { clock, store, adapter } = setUp(conditional)
    await store.accept(one)
    await clock.advance(50 * YEAR_MS)
    await store.reviewTimes()
    await store.releaseOrphans(1000)
    t.ok(await store.isErased(tag))
    await finish(store, one)
    await clock.advance(999)
    t.ok(await store.isErased(tag), 'and tombstoneMs more')
    await clock.advance(12)
    t.notOk(await store.isErased(tag))
    await store.reviewTimes()
    t.same([...adapter.documents.keys()], ['erasure:record:request-1'])
  })

  t.test(`9.A3: it waits for the last of several, ${how}`, async t => {
    for (const [first, last] of [
      [one, other],
      [other, one],
    ] as const) {
      const { clock, store } = setUp(conditional)
      await store.accept(one)
      await store.accept(other)
      await finish(store, first)
      await clock.advance(YEAR_MS)
      t.ok(await store.isErased(tag))
      await finish(store, last)
      t.ok(await store.isErased(tag))
      await clock.advance(1011)
      t.notOk(await store.isErased(tag))
    }
  })

  t.test(
    `9.A3: accepted while another ends, a request is waited for, ${how}`,
    async t => {
      for (let steps = 0; steps < 30; steps += 1) {
        const { clock, store } = setUp(conditional)
        await store.accept(one)
        const finished = finish(store, one)
        // Each time one step further into the other's work.
        for (let step = 0; step < steps; step += 1) await Promise.resolve()
        await store.accept(other)
        await finished
        await clock.advance(2000)
        t.ok(await store.isErased(tag), `after ${steps} steps`)
        await finish(store, other)
        await clock.advance(2000)
        t.notOk(await store.isErased(tag), `after ${steps} steps`)
      }
    },
  )

  t.test(`requests that end at once end the tombstone, ${how}`, async t => {
    const { clock, store } = setUp(conditional)
    const requests = ['a', 'b', 'c'].map(request)
    for (const each of requests) await store.accept(each)
    await Promise.all(requests.map(each => finish(store, each)))
    t.ok(await store.isErased(tag))
    await clock.advance(1011)
    t.notOk(await store.isErased(tag))
  })

  t.test(`what a crash has finished halfway is released later, ${how}`, async t => {
    const { clock, store, adapter } = setUp(conditional)
    await store.accept(one)
    await store.accept(other)
    const { writeIf, set } = adapter
    const crash = async (key: string) => {
      if (key.includes('tombstone')) throw new Error('the power is cut')
    }
    adapter.set = async (key, value, ttl) => {
      await crash(key)
      return set(key, value, ttl)
    }
    if (writeIf !== undefined) {
      adapter.writeIf = async write => {
        await crash(write.expected.key)
        return writeIf(write)
      }
    }
    await t.rejects(finish(store, one), { code: 'STORE_UNWRITABLE' })
    Object.assign(adapter, { set }, writeIf && { writeIf })
    await store.releaseOrphans(1000)
    await clock.advance(YEAR_MS / 2)
    t.ok(await store.isErased(tag), 'the other one is open')
    await finish(store, other)
    await clock.advance(1011)
    t.notOk(await store.isErased(tag))
  })

  t.test(`lifted, it stays lifted: for who holds it and who ends it, ${how}`, async t => {
    const { store, adapter } = setUp(conditional)
    await store.accept(one)
    t.ok(await store.lift(tag))
    await store.hold(one)
    t.notOk(await store.isErased(tag))
    await finish(store, one)
    t.notOk(await store.isErased(tag))
    t.notOk(await store.lift(tag))
    t.same([...adapter.documents.keys()], ['erasure:record:request-1'])
  })

  t.test(`9.A6: with tombstoneMs 0 and recordMs 0 nothing is left, ${how}`, async t => {
    const { store, adapter } = setUp(conditional)
    await store.accept(one)
    t.ok(await store.isErased(tag))
    await finish(store, one, { recordMs: 0, tombstoneMs: 0 })
    t.same([...adapter.documents.keys()], [])
    await store.decline(
      {
        requestId: one.id,
        outcome: 'declined',
        receivedAt: 1,
        finishedAt: 1,
        handlers: {},
      },
      0,
    )
    t.same([...adapter.documents.keys()], [])
  })

  t.test(`a tombstone of version 0.1 waits for its request, too, ${how}`, async t => {
    const { clock, store, adapter } = setUp(conditional)
    const { held: _held, ...old } = one
    const expires = clock.now() + 500
    const key = 'erasure:tombstone:tag-1'
    adapter.documents.set('erasure:request:request-1', JSON.stringify({ value: old }))
    adapter.documents.set(key, JSON.stringify({ value: 5, expires }))
    await store.hold(old)
    await clock.advance(YEAR_MS)
    t.ok(await store.isErased(tag))
    await finish(store, old)
    await clock.advance(1011)
    t.notOk(await store.isErased(tag))
  })

  t.test(`nothing in a tombstone leads to the record, ${how}`, async t => {
    const { clock, store, adapter } = setUp(conditional)
    await store.accept(one)
    await store.accept(other)
    await clock.advance(1_234_567)
    await finish(store, one, { tombstoneMs: 120 * 24 * 3_600_000 })
    await finish(store, other, { tombstoneMs: 120 * 24 * 3_600_000 })
    const text = adapter.documents.get('erasure:tombstone:tag-1') ?? ''
    const { value, expires } = JSON.parse(text)
    t.equal(value, true)
    t.equal(expires % 103_680_000, 0, 'its end is rounded to a hundredth')
    t.notMatch(text, /request/)
  })
}

t.test('lifted by one process while another holds it, a user stays lifted', async t => {
  const adapter: StoreAdapter = sqliteStore({ path: join(t.testdir(), 'erasure.db') })
  t.teardown(() => adapter.disconnect?.())
  const clock = fakeClock()
  const [here, there] = [
    openErasureStore(adapter, false, clock),
    openErasureStore(adapter, false, clock),
  ]
  for (let round = 0; round < 20; round += 1) {
    await here.accept(one)
    const held = round % 2 === 0 ? here.hold(one) : finish(here, one)
    // Each round one step further into the other's work.
    for (let step = 0; step < round; step += 1) await Promise.resolve()
    t.ok(await there.lift(tag))
    await held
    t.notOk(await here.isErased(tag))
  }
})

t.test('a tombstone that is past its time by the clock of the store only', async t => {
  const { store, adapter } = setUp(true)
  await store.accept(one)
  let refused = 0
  adapter.writeIf = async () => {
    refused += 1
    return false
  }
  t.notOk(await store.lift(tag))
  t.equal(refused, 1, 'it is not tried for ever')
})
