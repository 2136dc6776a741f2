import { inspect } from 'node:util'

import t from 'tap'

import { createErasure } from '../../../lib/core/create-erasure.ts'
import type { PurgeHandler } from '../../../lib/purge/handler.ts'
import { type FakeClock, fakeClock } from '../../support/fake-clock.ts'
import { memoryStore } from '../../support/memory-store.ts'
import { volatile } from '../../support/open-erasure.ts'

const bob = '@bob:example.org'
const bystander = '@bobby:example.org'
const DAY_MS = 24 * 60 * 60 * 1000

/** A bridge's rows, by user. */
type Rows = Map<string, number>

/** A handler that says it is done, and what it does instead. */
interface Lie {
  readonly what: string
  /** What `status` says of the handler in the end. */
  readonly code: string
  readonly handler: (rows: Rows, clock: FakeClock) => Partial<PurgeHandler>
}

const LIES: readonly Lie[] = [
  {
    what: 'it deletes half and says done',
    code: 'VERIFY_FOUND',
    handler: rows => ({
      purge: async ({ userId }) =>
        void rows.set(userId, Math.ceil((rows.get(userId) ?? 0) / 2)),
    }),
  },
  {
    what: 'it deletes nothing',
    code: 'VERIFY_FOUND',
    handler: () => ({ purge: async () => {} }),
  },
  {
    what: 'it deletes another user',
    code: 'VERIFY_FOUND',
    handler: rows => ({ purge: async () => void rows.delete(bystander) }),
  },
  {
    what: 'it throws after deleting',
    code: 'PURGE_FAILED',
    handler: rows => ({
      async purge({ userId }) {
        rows.delete(userId)
        throw new Error(`deleted ${userId}`)
      },
    }),
  },
  {
    what: 'it inserts again later',
    code: 'VERIFY_FOUND',
    handler: (rows, clock) => ({
      async purge({ userId }) {
        rows.delete(userId)
        clock.setTimer(() => rows.set(userId, 1), 500)
      },
    }),
  },
  {
    what: 'it never ends',
    code: 'PURGE_TIMEOUT',
    handler: () => ({ purge: () => new Promise(() => {}) }),
  },
  {
    what: 'it goes in circles',
    code: 'PURGE_STALLED',
    handler: () => ({ purge: async () => ({ more: 1 }) }),
  },
  {
    what: 'it says it retains less than it does',
    code: 'VERIFY_FOUND',
    handler: (_rows, clock) => ({
      purge: async () => ({
        retained: [
          {
            what: 'rows',
            why: 'archiving',
            count: 1,
            until: new Date(clock.now() + 99 * DAY_MS),
          },
        ],
      }),
    }),
  },
  {
    what: 'purge answers nonsense',
    code: 'PURGE_INVALID',
    handler: () => ({ purge: async () => 'done' as never }),
  },
  ...[Number.NaN, -1, 0.5, Infinity, '0', null, undefined, false, [], {}, 0n].map(
    answer => ({
      what: `verify answers ${inspect(answer)}`,
      code: 'VERIFY_INVALID',
      handler: () => ({ verify: async () => answer as never }),
    }),
  ),
  {
    what: 'verify never answers',
    code: 'VERIFY_TIMEOUT',
    handler: () => ({ verify: () => new Promise(() => {}) }),
  },
  {
    what: 'verify throws',
    code: 'VERIFY_FAILED',
    handler: () => ({
      verify: async () => {
        throw new Error(bob)
      },
    }),
  },
]

async function setUp(lie: Lie) {
  const clock = fakeClock()
  const store = memoryStore()
  const rows: Rows = new Map([
    [bob, 8],
    [bystander, 3],
  ])
  const erasure = await createErasure(
    volatile({ clock, store, settleMs: 1000, sweepMs: DAY_MS }),
  )
  erasure.onUserErase('rows', {
    purge: async ({ userId }) => void rows.delete(userId),
    verify: async ({ userId }) => rows.get(userId) ?? 0,
    retry: { attempts: 3, baseMs: 10 },
    timeoutMs: 100,
    ...lie.handler(rows, clock),
  })
  erasure.onUserErase('honest', { purge: async () => {}, verify: async () => 0 })
  await erasure.start()
  await erasure.accept(bob)
  return { clock, erasure, store }
}

t.test('3. `erased` is a statement about data', async t => {
  t.comment(`${LIES.length} lying handlers`)
  for (const lie of LIES) {
    const { clock, erasure, store } = await setUp(lie)
    await clock.advance(3 * DAY_MS)
    const { counts, open } = await erasure.status()
    t.match(counts, { erased: 0, blocked: 1 }, lie.what)
    t.match(open[0]?.handlers, { rows: { state: 'blocked', code: lie.code } }, lie.what)
    t.notOk(
      [...store.documents.keys()].some(key => key.includes('record')),
      'no record is made',
    )
    await erasure.close()
  }
})

t.test(
  'an honest handler beside the lying ones is erased, or the test proves nothing',
  async t => {
    const { clock, erasure } = await setUp({
      what: 'the truth',
      code: '',
      handler: () => ({}),
    })
    await clock.advance(1000)
    t.match((await erasure.status()).counts, { erased: 1, blocked: 0 })
    await erasure.close()
  },
)

t.test(
  'each handler is found empty twice, the second time settleMs after the last settled',
  async t => {
    const clock = fakeClock()
    const found: Array<readonly [name: string, at: number]> = []
    const start = clock.now()
    const erasure = await createErasure(volatile({ clock, settleMs: 1000 }))
    const handler = (name: string, purgeMs: number): PurgeHandler => ({
      purge: () =>
        new Promise(resolve => void clock.setTimer(() => resolve({}), purgeMs)),
      async verify() {
        found.push([name, clock.now() - start])
        return 0
      },
    })
    erasure.onUserErase('quick', handler('quick', 0))
    erasure.onUserErase('slow', handler('slow', 700))
    await erasure.start()
    await erasure.accept(bob)
    await clock.advance(5000)
    t.same(found, [
      ['quick', 0],
      ['slow', 700],
      ['quick', 1700],
      ['slow', 1700],
    ])
    t.match((await erasure.status()).counts, { erased: 1 })
    await erasure.close()
  },
)

t.test(
  'work nobody verified is recorded as asserted, and no handlers at all do not start',
  async t => {
    const clock = fakeClock()
    const store = memoryStore()
    const erasure = await createErasure(volatile({ clock, store }))
    await t.rejects(erasure.start(), { code: 'NO_HANDLERS' })
    erasure.onUserErase('cache', async () => {})
    await erasure.start()
    await erasure.accept(bob)
    await clock.advance(0)
    const [record] = [...store.documents].filter(([key]) => key.includes(':record:'))
    t.match(JSON.parse(record?.[1] ?? '').value.handlers, {
      cache: { outcome: 'asserted' },
    })
    await erasure.close()
  },
)
