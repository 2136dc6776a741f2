import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import { inProcessScheduler } from '../../lib/schedule/in-process.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { memoryLog } from '../support/memory-log.ts'
import { memoryStore } from '../support/memory-store.ts'
import { volatile } from '../support/open-erasure.ts'

const bob = '@bob:example.org'
const DAY_MS = 24 * 60 * 60 * 1000

t.test('a request goes from accepted to erased, and only its record remains', async t => {
  const clock = fakeClock()
  const log = memoryLog()
  const store = memoryStore()
  const erasure = await createErasure(
    volatile({ clock, store, logger: log, settleMs: 1000 }),
  )
  const left = new Map([[bob, 25]])
  erasure.onUserErase<number>('messages', {
    async purge({ userId, cursor = 0 }) {
      left.set(userId, Math.max(0, (left.get(userId) ?? 0) - 10))
      return left.get(userId) === 0 ? { removed: 5 } : { removed: 10, more: cursor + 1 }
    },
    verify: async ({ userId }) => left.get(userId) ?? 0,
  })
  erasure.onUserErase('cache', async () => {})
  t.notOk(await erasure.isErased(bob))
  const { requestId, declined } = await erasure.accept(bob)
  t.notOk(declined)
  t.ok(await erasure.isErased(bob))
  t.match((await erasure.status()).counts, { accepted: 1, erased: 0 })
  await erasure.start()
  await clock.advance(0)
  t.match(await erasure.status(), {
    counts: { settling: 1 },
    open: [
      {
        requestId,
        state: 'settling',
        overdue: false,
        handlers: { messages: { state: 'purged' }, cache: { state: 'purged' } },
      },
    ],
  })
  await clock.advance(999)
  t.match((await erasure.status()).counts, { settling: 1, erased: 0 })
  await clock.advance(1)
  t.same(await erasure.status(), {
    counts: {
      accepted: 0,
      purging: 0,
      settling: 0,
      retaining: 0,
      blocked: 0,
      erased: 1,
      declined: 0,
    },
    open: [],
  })
  t.ok(await erasure.isErased(bob), 'the tombstone outlives the request')
  const record = [...store.documents].find(([key]) => key.startsWith('erasure:record:'))
  t.match(JSON.parse(record?.[1] ?? '').value, {
    requestId,
    outcome: 'erased',
    handlers: {
      messages: { outcome: 'verified', removed: '10+' },
      cache: { outcome: 'asserted', removed: '0' },
    },
  })
  t.notMatch([...store.documents].join('\n'), /bob|example\.org/)
  t.notMatch(log.text(), /bob|example\.org/)
  await erasure.close()
})

t.test(
  'handlers run in order, and one that waits for another runs after its two verifications',
  async t => {
    const clock = fakeClock()
    const calls: string[] = []
    const erasure = await createErasure(volatile({ clock, settleMs: 0 }))
    const handler = (name: string, after: string[]) => ({
      purge: async () => void calls.push(`purge ${name}`),
      verify: async () => calls.push(`verify ${name}`) * 0,
      after,
    })
    erasure.onUserErase('map', handler('map', ['messages']))
    erasure.onUserErase('messages', handler('messages', []))
    await erasure.start()
    await erasure.accept(bob)
    await clock.advance(0)
    t.same(calls, [
      'purge messages',
      'verify messages',
      'verify messages',
      'purge map',
      'verify map',
      'verify map',
    ])
    await erasure.close()
  },
)

t.test(
  'what slipped through is found by the second verification and purged again',
  async t => {
    const clock = fakeClock()
    const rows = new Set([bob])
    const other = new Set([bob])
    let verified = 0
    const erasure = await createErasure(volatile({ clock, settleMs: 1000 }))
    erasure.onUserErase('messages', {
      purge: async ({ userId }) => void rows.delete(userId),
      verify: async ({ userId }) => Number(rows.has(userId)),
    })
    erasure.onUserErase('others', {
      purge: async ({ userId }) => void other.delete(userId),
      async verify({ userId }) {
        verified += 1
        return Number(other.has(userId))
      },
    })
    await erasure.start()
    await erasure.accept(bob)
    await clock.advance(500)
    rows.add(bob)
    await clock.advance(500)
    t.match(await erasure.status(), {
      counts: { purging: 1 },
      open: [{ handlers: { messages: { state: 'retrying', code: 'VERIFY_FOUND' } } }],
    })
    await clock.advanceUntil(async () => (await erasure.status()).counts.erased === 1)
    t.equal(rows.size, 0)
    t.ok(verified >= 2, 'the others are verified together with it again')
    await erasure.close()
  },
)

t.test(
  'a handler that keeps failing is blocked, shown, tried daily, and freed by retry',
  async t => {
    const clock = fakeClock()
    const log = memoryLog()
    let calls = 0
    let broken = true
    const erasure = await createErasure(volatile({ clock, logger: log, settleMs: 0 }))
    erasure.onUserErase('remote', {
      async purge() {
        calls += 1
        if (broken) throw new Error(`no connection for ${bob}`)
      },
      retry: { attempts: 3, baseMs: 100 },
    })
    erasure.onUserErase('fine', async () => {})
    await erasure.start()
    const { requestId } = await erasure.accept(bob)
    await clock.advance(0)
    t.match((await erasure.status()).open[0]?.handlers, {
      remote: { state: 'retrying', code: 'PURGE_FAILED', failures: 1 },
      fine: { state: 'purged' },
    })
    await clock.advance(300)
    t.equal(calls, 3)
    t.match(await erasure.status(), {
      counts: { blocked: 1 },
      open: [{ requestId, state: 'blocked', handlers: { remote: { state: 'blocked' } } }],
    })
    await clock.advance(DAY_MS)
    t.equal(calls, 4)
    await clock.advance(30 * DAY_MS)
    t.equal(calls, 34)
    t.match((await erasure.status()).open, [{ overdue: true }])
    broken = false
    await t.rejects(erasure.retry('unknown'), { code: 'REQUEST_UNKNOWN' })
    await erasure.retry(requestId)
    await clock.advance(0)
    t.match((await erasure.status()).counts, { erased: 1, blocked: 0 })
    t.notMatch(log.text(), /bob|no connection/)
    t.ok(
      log.lines.some(
        ({ level, message }) => level === 'error' && /blocked/.test(message),
      ),
    )
    await erasure.close()
  },
)

t.test(
  'a handler that makes no progress fails, one that waits for a remote does not',
  async t => {
    const clock = fakeClock()
    const erasure = await createErasure(volatile({ clock, settleMs: 0 }))
    let polls = 0
    erasure.onUserErase('stuck', {
      purge: async () => ({ more: 'same' }),
      retry: { attempts: 2, baseMs: 1 },
    })
    erasure.onUserErase('remote', async () => {
      polls += 1
      return polls < 5 ? { more: 'job-7', waitMs: 60_000 } : {}
    })
    await erasure.start()
    await erasure.accept(bob)
    await clock.advance(5 * 60_000)
    t.match((await erasure.status()).open[0]?.handlers, {
      stuck: { state: 'blocked', code: 'PURGE_STALLED' },
      remote: { state: 'purged' },
    })
    t.equal(polls, 5)
    await erasure.close()
  },
)

t.test('a handler with many slices lets other requests have their turn', async t => {
  const clock = fakeClock()
  const scheduler = inProcessScheduler({ clock, concurrency: 1 })
  const erasure = await createErasure(volatile({ clock, scheduler, settleMs: 0 }))
  const finished: string[] = []
  erasure.onUserErase<number>('slices', async ({ userId, cursor = 0 }) => {
    if (userId === bob && cursor < 250) return { more: cursor + 1 }
    finished.push(userId)
    return {}
  })
  await erasure.start()
  await erasure.accept(bob)
  await erasure.accept('@quick:example.org')
  await clock.advance(10)
  t.same(finished, ['@quick:example.org', bob])
  await erasure.close()
})
