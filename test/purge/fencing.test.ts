// Two processes on one store: one is stopped in the middle of its work, and wakes up too late.
import { join } from 'node:path'

import t, { type Test } from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import type { Erasure } from '../../lib/core/erasure.ts'
import type { PurgeHandler } from '../../lib/purge/handler.ts'
import type { RequestId } from '../../lib/request/request-id.ts'
import type { Scheduler, Work } from '../../lib/schedule/scheduler.ts'
import type { StoreAdapter } from '../../lib/store/adapter.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { type FakeClock, fakeClock } from '../support/fake-clock.ts'
import { type MemoryLog, memoryLog } from '../support/memory-log.ts'
import { memoryStore } from '../support/memory-store.ts'
import { volatile } from '../support/open-erasure.ts'

const bob = '@bob:example.org'

interface Opened {
  readonly erasure: Erasure
  readonly log: MemoryLog
  readonly clock: FakeClock
  /** What its scheduler would call. */
  readonly work: (id: RequestId, isOurs?: () => boolean) => Promise<Date | undefined>
}

/** A process whose scheduler is the test. */
async function openProcess(
  t: Test,
  store: StoreAdapter,
  handler: PurgeHandler<string>,
  { key = Buffer.alloc(32), name = 'messages' } = {},
): Promise<Opened> {
  const log = memoryLog()
  const clock = fakeClock()
  let work: Work | undefined
  const scheduler: Scheduler = {
    schedule: async () => {},
    start: async given => void (work = given),
    close: async () => {},
  }
  const erasure = await createErasure(
    volatile({ store, key, scheduler, clock, logger: log, settleMs: 0 }),
  )
  t.teardown(() => erasure.close())
  erasure.onUserErase(name, handler)
  await erasure.start()
  const never = new AbortController().signal
  return { erasure, log, clock, work: async (id, isOurs) => work?.(id, never, isOurs) }
}

/** A handler that waits in the middle of its work. */
function stopped(outcome: { more?: string } = {}) {
  const begun = Promise.withResolvers<void>()
  const woken = Promise.withResolvers<void>()
  let calls = 0
  return {
    begun: begun.promise,
    wake: () => woken.resolve(),
    handler: {
      async purge() {
        if ((calls += 1) > 1) return {}
        begun.resolve()
        await woken.promise
        return outcome
      },
    },
  }
}

for (const kind of ['memory', 'SQLite'] as const) {
  const open = (t: Test): StoreAdapter =>
    kind === 'memory'
      ? memoryStore(true)
      : sqliteStore({ path: join(t.testdir(), 'erasure.db') })

  t.test(`who wakes up too late stores no cursor, in ${kind}`, async t => {
    const store = open(t)
    const sleeper = stopped({ more: 'the cursor of the one that was stopped' })
    const cursors: unknown[] = []
    const first = await openProcess(t, store, sleeper.handler)
    const second = await openProcess(t, store, {
      async purge({ cursor }) {
        cursors.push(cursor)
        return cursor === undefined ? { more: 'mine', waitMs: 1000 } : {}
      },
    })
    const { requestId } = await first.erasure.accept(bob)
    const working = first.work(requestId)
    await sleeper.begun
    t.match(await second.work(requestId), Date)
    sleeper.wake()
    t.same(await working, new Date(first.clock.now() + 60_000), 'it looks again')
    t.match(
      first.log.lines.filter(({ level }) => level !== 'debug'),
      [
        { message: 'An erasure request was accepted' },
        {
          level: 'info',
          message: 'Another process is working on a request',
          fields: { requestId },
        },
      ],
    )
    await second.clock.advance(1000)
    t.equal(await second.work(requestId), undefined)
    t.same(cursors, [undefined, 'mine'])
    t.match((await second.erasure.status()).counts, { erased: 1 })
    t.equal(await first.work(requestId), undefined, 'and then it is finished')
  })

  t.test(
    `who wakes up after it is finished does not bring it back, in ${kind}`,
    async t => {
      const store = open(t)
      const sleeper = stopped({ more: 'again' })
      const first = await openProcess(t, store, sleeper.handler)
      const second = await openProcess(t, store, { purge: async () => {} })
      const { requestId } = await first.erasure.accept(bob)
      const working = first.work(requestId)
      await sleeper.begun
      t.equal(await second.work(requestId), undefined)
      sleeper.wake()
      await working
      t.match((await first.erasure.status()).counts, { erased: 1, purging: 0 })
    },
  )
}

t.test('a beginning counts although nothing else has changed', async t => {
  const store = memoryStore(true)
  const sleeper = stopped()
  const first = await openProcess(t, store, sleeper.handler)
  const second = await openProcess(t, store, stopped().handler)
  const { requestId } = await first.erasure.accept(bob)
  const turn = () =>
    JSON.parse(store.documents.get(`erasure:request:${requestId}`) ?? '').value.claims
  t.equal(turn(), 0)
  const working = first.work(requestId)
  await sleeper.begun
  t.equal(turn(), 1)
  void second.work(requestId)
  while (turn() === 1) await new Promise(setImmediate)
  const stored = [...store.documents]
  sleeper.wake()
  await working
  t.match(first.log.lines.at(-1), { message: 'Another process is working on a request' })
  t.same([...store.documents], stored)
})

t.test('who finishes too late leaves no record', async t => {
  const store = memoryStore(true)
  const held = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  const sleepy: typeof store = Object.assign(Object.create(store), {
    async writeIf(write: Parameters<NonNullable<StoreAdapter['writeIf']>>[0]) {
      if (write.set.some(({ key }) => key.includes(':record:'))) {
        arrived.resolve()
        await held.promise
      }
      return store.writeIf?.(write)
    },
  })
  const handler = { purge: async () => {} }
  const first = await openProcess(t, sleepy, handler)
  const second = await openProcess(t, store, handler, { name: 'of-another-version' })
  const { requestId } = await first.erasure.accept(bob)
  const working = first.work(requestId)
  await arrived.promise
  await second.work(requestId)
  held.resolve()
  t.match(await working, Date)
  t.match((await second.erasure.status()).counts, { erased: 0, blocked: 1 })
})

t.test('of two that begin at the same time, one works', async t => {
  const store = memoryStore(true)
  let calls = 0
  const handler = { purge: async () => void (calls += 1) }
  const [first, second] = [
    await openProcess(t, store, handler),
    await openProcess(t, store, handler),
  ]
  const { requestId } = await first.erasure.accept(bob)
  await first.erasure.retry(requestId)
  await Promise.all([first.work(requestId), second.work(requestId)])
  t.equal(calls, 1)
  const taken = [...first.log.lines, ...second.log.lines].filter(({ message }) =>
    message.startsWith('Another process'),
  )
  t.equal(taken.length, 1)
  t.match((await first.erasure.status()).counts, { erased: 1 })
})

t.test('a request of version 0.1 has no turn yet', async t => {
  const store = memoryStore(true)
  const { erasure, work } = await openProcess(t, store, {
    purge: async () => ({ more: 'x', waitMs: 1000 }),
  })
  const { requestId } = await erasure.accept(bob)
  const key = `erasure:request:${requestId}`
  const text = store.documents.get(key) ?? ''
  store.documents.set(key, text.replace('"turn":0,', ''))
  t.notMatch(store.documents.get(key), 'turn')
  await work(requestId)
  t.equal(JSON.parse(store.documents.get(key) ?? '').value.claims, 1)
})

t.test('who has another key than the store leaves its requests alone', async t => {
  const store = memoryStore(true)
  const first = await openProcess(t, store, { purge: async () => {} })
  // The store is made anew under the first process, with another key.
  store.documents.clear()
  const key = Buffer.alloc(32, 1)
  const second = await openProcess(t, store, { purge: async () => {} }, { key })
  const { requestId } = await second.erasure.accept(bob)
  const stored = [...store.documents]
  t.same(await first.work(requestId), new Date(first.clock.now() + 60_000))
  t.same([...store.documents], stored, 'it is left as it is')
  t.match((await first.erasure.status()).counts, { accepted: 1, blocked: 0 })
  t.match(first.log.lines, [
    {
      level: 'error',
      message: 'Work on a request failed; it will be tried again',
      fields: { requestId, code: 'KEY_MISMATCH' },
    },
  ])
  t.equal(first.log.lines.length, 1)
  t.equal(await second.work(requestId), undefined)
  t.match((await second.erasure.status()).counts, { erased: 1 })
})

t.test('a request that does not unseal with the store’s own key is blocked', async t => {
  const store = memoryStore(true)
  const { erasure, work, log } = await openProcess(t, store, { purge: async () => {} })
  const { requestId } = await erasure.accept(bob)
  for (const keyCheck of ['kept', 'lost']) {
    if (keyCheck === 'lost') store.documents.delete('erasure:meta:key-check')
    const key = `erasure:request:${requestId}`
    const text = store.documents.get(key) ?? ''
    store.documents.set(key, text.replace(/"sealed":"...../, '"sealed":"xxxxx'))
    t.match(await work(requestId), Date)
    t.match((await erasure.status()).counts, { blocked: 1 })
    t.match(log.lines.at(-1), { level: 'error', fields: { code: 'SEAL_BROKEN' } })
  }
})

t.test(
  'who lost a request between two steps begins no other, whatever its timers say',
  async t => {
    let calls = 0
    const purge = async () => ({ more: `${(calls += 1)}` })
    const { erasure, work } = await openProcess(t, memoryStore(), { purge })
    const { requestId } = await erasure.accept(bob)
    await work(requestId, () => calls < 3)
    t.equal(calls, 3)
    await work(requestId, () => false)
    t.equal(calls, 3)
  },
)
