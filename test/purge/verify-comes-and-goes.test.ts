// 9.A13: a deployment adds a `verify` to a handler, or removes it, while a request is open.
import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import type { Erasure } from '../../lib/core/erasure.ts'
import type { PurgeHandler } from '../../lib/purge/handler.ts'
import { type FakeClock, fakeClock } from '../support/fake-clock.ts'
import { type MemoryStore, memoryStore } from '../support/memory-store.ts'
import { volatile } from '../support/open-erasure.ts'

const bob = '@bob:example.org'
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const settleMs = 15 * MINUTE_MS

type Handlers = Readonly<Record<string, PurgeHandler>>

/** One deployment of the bridge on the store of the one before. */
async function deploy(
  store: MemoryStore,
  clock: FakeClock,
  handlers: Handlers,
): Promise<Erasure> {
  const options = { store, clock, settleMs, sweepMs: DAY_MS }
  const erasure = await createErasure(volatile(options))
  for (const [name, handler] of Object.entries(handlers))
    erasure.onUserErase(name, handler)
  await erasure.start()
  return erasure
}

function recorded(store: MemoryStore): unknown {
  const [record] = [...store.documents].filter(([key]) => key.includes(':record:'))
  return record && JSON.parse(record[1]).value.handlers
}

const purge = async (): Promise<void> => {}
const other: PurgeHandler = { purge, verify: async () => 0 }

t.test(
  '9.A13: a `verify` that is added while a request settles is called twice, settleMs apart',
  async t => {
    const clock = fakeClock()
    const store = memoryStore()
    const start = clock.now()
    const before = await deploy(store, clock, { rows: { purge }, other })
    await before.accept(bob)
    await clock.advance(5 * MINUTE_MS)
    await before.close()

    const verified: number[] = []
    const verify = async () => {
      verified.push((clock.now() - start) / MINUTE_MS)
      return 0
    }
    const after = await deploy(store, clock, { rows: { purge, verify }, other })
    await clock.advance(DAY_MS)
    t.same(verified, [5, 20])
    t.match(recorded(store), { rows: { outcome: 'verified' } })
    await after.close()
  },
)

t.test(
  '9.A13: what an added `verify` finds is purged, and what came after it is purged again',
  async t => {
    const clock = fakeClock()
    const store = memoryStore()
    const links: string[] = []
    const link = {
      purge: async () => void links.push('purged'),
      after: ['rows'],
    }
    // Something else keeps the request open, so that the deployment finds it.
    const slow = async () => ({ more: 1, waitMs: 60 * MINUTE_MS })
    const before = await deploy(store, clock, {
      rows: { purge },
      link,
      slow: { purge: slow },
    })
    await before.accept(bob)
    await clock.advance(20 * MINUTE_MS)
    t.same(links, ['purged'])
    await before.close()

    let left = 3
    const rows = { purge: async () => void (left = 0), verify: async () => left }
    const after = await deploy(store, clock, { rows, link, slow: { purge } })
    await clock.advance(DAY_MS)
    t.equal(left, 0)
    t.same(links, ['purged', 'purged'])
    t.match(recorded(store), { rows: { outcome: 'verified' } })
    await after.close()
  },
)

for (const [what, answer, code] of [
  ['fails', 'nonsense', 'VERIFY_INVALID'],
  ['finds something', 1, 'VERIFY_FOUND'],
] as const) {
  t.test(
    `9.A13: a \`verify\` that ${what} and is removed does not hold the request up`,
    async t => {
      const clock = fakeClock()
      const store = memoryStore()
      const verify = async () => answer as never
      const before = await deploy(store, clock, {
        rows: { purge, verify, retry: { attempts: 1 } },
        other,
      })
      const { requestId } = await before.accept(bob)
      await clock.advance(MINUTE_MS)
      t.match((await before.status()).open[0]?.handlers, {
        rows: { state: 'blocked', code },
      })
      await before.close()

      const after = await deploy(store, clock, { rows: { purge }, other })
      if (code === 'VERIFY_FOUND') await after.retry(requestId)
      await clock.advance(60 * MINUTE_MS)
      t.match((await after.status()).counts, { blocked: 0, erased: 1 })
      t.match(recorded(store), { rows: { outcome: 'asserted' } })
      await after.close()
    },
  )
}

t.test(
  '9.A13: removed and added again while it settles, it is still verified twice',
  async t => {
    const clock = fakeClock()
    const store = memoryStore()
    let verified = 0
    const verify = async () => (verified += 1) * 0
    const first = await deploy(store, clock, { rows: { purge, verify }, other })
    await first.accept(bob)
    await clock.advance(MINUTE_MS)
    await first.close()
    const second = await deploy(store, clock, { rows: { purge }, other })
    await clock.advance(MINUTE_MS)
    await second.close()
    t.equal(verified, 1)
    const third = await deploy(store, clock, { rows: { purge, verify }, other })
    await clock.advance(DAY_MS)
    t.equal(verified, 3)
    t.match(recorded(store), { rows: { outcome: 'verified' } })
    await third.close()
  },
)
