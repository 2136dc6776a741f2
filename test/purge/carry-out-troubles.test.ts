import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import { inProcessScheduler } from '../../lib/schedule/in-process.ts'
import { breathe, fakeClock } from '../support/fake-clock.ts'
import { memoryLog } from '../support/memory-log.ts'
import { memoryStore } from '../support/memory-store.ts'
import { openErasure, volatile } from '../support/open-erasure.ts'

const bob = '@bob:example.org'
const DAY_MS = 24 * 60 * 60 * 1000

t.test('a store that fails loses nothing: the sweep and the retry go on', async t => {
  const clock = fakeClock()
  const log = memoryLog()
  const store = memoryStore()
  const erasure = await createErasure(
    volatile({ clock, store, logger: log, settleMs: 0 }),
  )
  let calls = 0
  erasure.onUserErase('messages', async () => void (calls += 1))
  await erasure.start()
  store.failWrites = 'throw'
  await t.rejects(erasure.accept(bob), { code: 'STORE_UNWRITABLE' })
  t.equal(store.documents.size, 1, 'nothing half-accepted')
  store.failWrites = 'no'
  await erasure.accept(bob)
  store.failWrites = 'throw'
  store.failReads = true
  await clock.advance(5 * 60_000)
  t.ok(log.lines.some(({ message }) => /sweep failed/.test(message)))
  t.ok(log.lines.some(({ message }) => /Work on a request failed/.test(message)))
  store.failWrites = 'no'
  store.failReads = false
  await clock.advance(60_000)
  t.match((await erasure.status()).counts, { erased: 1 })
  t.ok(calls >= 1)
  t.notMatch(log.text(), /bob/)
  await erasure.close()
})

t.test('a scheduler that loses requests is made good by the sweep', async t => {
  const clock = fakeClock()
  const log = memoryLog()
  const inner = inProcessScheduler({ clock })
  let lossy = true
  const scheduler = {
    ...{ start: inner.start.bind(inner), close: inner.close.bind(inner) },
    async schedule(...given: Parameters<typeof inner.schedule>) {
      if (lossy) throw new Error(bob)
      return inner.schedule(...given)
    },
  }
  const erasure = await createErasure(
    volatile({ clock, logger: log, scheduler, settleMs: 0 }),
  )
  erasure.onUserErase('messages', async () => {})
  await erasure.start()
  await erasure.accept(bob)
  await clock.advance(1000)
  t.match((await erasure.status()).counts, { accepted: 1 })
  t.match(log.text(), 'could not be scheduled')
  t.notMatch(log.text(), /bob/)
  lossy = false
  await clock.advance(5 * 60_000)
  t.match((await erasure.status()).counts, { erased: 1 })
  await erasure.close()
})

t.test(
  'closing lets handlers finish, aborts them at the deadline, and a restart goes on',
  async t => {
    const directory = t.testdir()
    const slices: Array<number | undefined> = []
    let aborted = false
    const first = await openErasure(t, { drainMs: 20, settleMs: 0 }, directory)
    first.onUserErase<number>('messages', async ({ cursor, signal }) => {
      slices.push(cursor)
      if (cursor === undefined) return { more: 1 }
      await new Promise<void>(resolve =>
        signal.addEventListener('abort', () => resolve()),
      )
      aborted = true
      return {}
    })
    await first.start()
    await first.accept(bob)
    while (slices.length < 2) await breathe()
    await first.close()
    t.ok(aborted)
    const second = await openErasure(t, { settleMs: 0 }, directory)
    second.onUserErase<number>('messages', async ({ cursor, attempt }) => {
      slices.push(cursor)
      t.equal(attempt, 1, 'an aborted call is not a failure')
    })
    await second.start()
    while ((await second.status()).counts.erased === 0) await breathe()
    t.same(slices, [undefined, 1, 1])
  },
)

t.test('a handler that went missing blocks its requests until it is back', async t => {
  const store = memoryStore()
  const clock = fakeClock()
  const open = () => createErasure(volatile({ store, clock, settleMs: 0 }))
  const first = await open()
  first.onUserErase('messages', { purge: async () => ({ more: 'x', waitMs: 1000 }) })
  await first.start()
  await first.accept(bob)
  await clock.advance(0)
  await first.close()
  const second = await open()
  second.onUserErase('other', async () => {})
  await second.start()
  await clock.advance(DAY_MS)
  t.match(await second.status(), {
    counts: { blocked: 1 },
    open: [
      { handlers: { messages: { code: 'HANDLER_MISSING' }, other: { state: 'purged' } } },
    ],
  })
  await second.close()
  const third = await open()
  let cursor: unknown
  third.onUserErase('messages', async context => void (cursor = context.cursor))
  third.onUserErase('other', async () => {})
  await third.start()
  await clock.advance(0)
  t.match((await third.status()).counts, { erased: 1 })
  t.equal(cursor, 'x', 'it goes on where it was')
  await third.close()
})

t.test('a request that was tampered with blocks, and nobody else', async t => {
  const store = memoryStore()
  const clock = fakeClock()
  const log = memoryLog()
  const erasure = await createErasure(
    volatile({ store, clock, logger: log, settleMs: 0 }),
  )
  erasure.onUserErase('messages', async ({ cursor }) =>
    cursor === undefined ? { more: 1, waitMs: 1000 } : {},
  )
  await erasure.start()
  await erasure.accept(bob)
  await erasure.accept('@carol:example.org')
  await clock.advance(0)
  const [key] = [...store.documents.keys()].filter(key => key.includes(':request:'))
  const text = store.documents.get(key ?? '') ?? ''
  store.documents.set(key ?? '', text.replace(/"sealed":"...../, '"sealed":"xxxxx'))
  await clock.advance(2 * DAY_MS)
  t.match((await erasure.status()).counts, { blocked: 1, erased: 1 })
  store.documents.set(key ?? '', text.replace(/"cursor":"...../, '"cursor":"xxxxx'))
  await clock.advance(DAY_MS)
  t.match((await erasure.status()).counts, { blocked: 0 }, 'a restored request goes on')
  t.match(log.text(), 'A cursor cannot be unsealed')
  await clock.advance(DAY_MS)
  t.match((await erasure.status()).counts, { erased: 2 })
  await erasure.close()
})
