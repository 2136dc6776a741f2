import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { volatile } from '../support/open-erasure.ts'

const bob = '@bob:example.org'
const DAY_MS = 24 * 60 * 60 * 1000

t.test('what is retained is looked at again when its time has come', async t => {
  const clock = fakeClock()
  const start = clock.now()
  let invoices = 2
  const erasure = await createErasure(
    volatile({ clock, settleMs: 1000, sweepMs: DAY_MS }),
  )
  erasure.onUserErase('invoices', {
    async purge() {
      if (clock.now() < start + 400 * DAY_MS) {
        const until = new Date(start + 400 * DAY_MS)
        const why = 'legal-obligation' as const
        return { retained: [{ what: 'invoices', why, count: invoices, until }] }
      }
      invoices = 0
      return { removed: 2 }
    },
    verify: async () => invoices,
  })
  erasure.onUserErase('others', { purge: async () => {}, verify: async () => 0 })
  await erasure.start()
  await erasure.accept(bob)
  await clock.advance(1000)
  t.match(await erasure.status(), {
    counts: { retaining: 1 },
    open: [
      { handlers: { invoices: { state: 'retained' }, others: { state: 'verified' } } },
    ],
  })
  await clock.advance(399 * DAY_MS)
  t.match((await erasure.status()).counts, { retaining: 1 })
  t.ok(await erasure.isErased(bob), 'also long after the tombstone would have expired')
  await clock.advance(2 * DAY_MS)
  t.match((await erasure.status()).counts, { erased: 1 })
  t.equal(invoices, 0)
  await erasure.close()
})

t.test('more left than was said to be retained is not retained', async t => {
  const clock = fakeClock()
  const erasure = await createErasure(volatile({ clock, settleMs: 0 }))
  erasure.onUserErase('invoices', {
    async purge() {
      const until = new Date(clock.now() + DAY_MS)
      return { retained: [{ what: 'invoices', why: 'archiving', count: 1, until }] }
    },
    verify: async () => 2,
    retry: { attempts: 2, baseMs: 1 },
  })
  await erasure.start()
  await erasure.accept(bob)
  await clock.advance(10)
  t.match((await erasure.status()).open[0]?.handlers, {
    invoices: { state: 'blocked', code: 'VERIFY_FOUND' },
  })
  await erasure.close()
})

t.test(
  '9.A30: what earlier slices retain still counts when the last one is done',
  async t => {
    const clock = fakeClock()
    const start = clock.now()
    let kept = 3
    const erasure = await createErasure(volatile({ clock, settleMs: 0, sweepMs: DAY_MS }))
    erasure.onUserErase<number>('invoices', {
      async purge({ cursor = 0 }) {
        if (clock.now() >= start + 2 * DAY_MS) {
          kept = 0
          return { removed: 3 }
        }
        // One in each slice, each for a day longer.
        const until = new Date(start + (cursor + 1) * DAY_MS)
        const why = 'legal-obligation' as const
        const retained = [{ what: 'invoices', why, count: 1, until }]
        return cursor < 2 ? { retained, more: cursor + 1 } : { retained }
      },
      verify: async () => kept,
    })
    await erasure.start()
    await erasure.accept(bob)
    await clock.advance(0)
    t.match(await erasure.status(), {
      counts: { retaining: 1 },
      open: [{ handlers: { invoices: { state: 'retained' } } }],
    })
    await clock.advance(DAY_MS - 1)
    t.match((await erasure.status()).counts, { retaining: 1 })
    await clock.advance(2 * DAY_MS)
    t.match(
      (await erasure.status()).counts,
      { erased: 1 },
      'looked at when the first may go',
    )
    t.equal(kept, 0)
    await erasure.close()
  },
)
