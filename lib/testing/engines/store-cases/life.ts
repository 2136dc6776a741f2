import assert from 'node:assert/strict'

import type { StoreCase } from './with-store.ts'

/** How long an operation on a closed store may take to fail. */
const PATIENCE_MS = 10_000

/** Opening and closing. */
export const lifeCases: readonly StoreCase[] = [
  [
    'what one process has written the others see at once',
    async ({ store, openAnother }) => {
      const other = await openAnother?.()
      if (other === undefined) return
      for (let round = 0; round < 20; round += 1) {
        await store.set('a:1', `round ${round}`)
        assert.equal(await other.get('a:1'), `round ${round}`)
        await other.setMany?.([{ key: 'a:2', value: `back ${round}` }])
        assert.equal(await store.get('a:2'), `back ${round}`)
      }
      await store.delete('a:1')
      assert.equal(await other.has?.('a:1'), false)
      await other.disconnect?.()
      assert.equal(await store.get('a:2'), 'back 19', 'closing one closes no other')
    },
  ],
  [
    'processes that open a new store at the same time do not get in each other’s way',
    async ({ store, openAnother }) => {
      if (openAnother === undefined) return
      const others = await Promise.all([openAnother(), openAnother(), openAnother()])
      const all = [store, ...others]
      await Promise.all(all.map((each, index) => each.set(`a:${index}`, `${index}`)))
      for (const each of all) {
        const values = all.map((_, index) => each.get(`a:${index}`))
        assert.deepEqual(await Promise.all(values), ['0', '1', '2', '3'])
      }
    },
  ],
  [
    'processes that write the same documents in different orders do not block each other',
    async ({ store, openAnother }) => {
      const other = (await openAnother?.()) ?? store
      const keys = Array.from({ length: 100 }, (_, index) => `a:${index}`)
      const rounds = Array.from({ length: 20 }, async (_, round) => {
        const entries = keys.map(key => ({ key, value: `${round}` }))
        await Promise.all([
          store.setMany?.(entries),
          other.setMany?.(entries.toReversed()),
          ...keys.map((key, index) => (index % 2 === 0 ? store : other).delete(key)),
        ])
      })
      await Promise.all(rounds)
    },
  ],
  [
    'closed and opened again, it has what was written',
    async ({ store, reopen }) => {
      if (reopen === undefined) return
      // Not awaited: whoever closes it has been told that these are on their way.
      const writes = [store.set('a:1', 'one'), store.set('a:2', 'two', 60_000)]
      await Promise.all(writes)
      const late = store.set('a:3', 'three')
      await store.disconnect?.()
      const [answer] = await Promise.allSettled([late])
      const again = await reopen()
      assert.equal(await again.get('a:1'), 'one')
      assert.equal(await again.get('a:2'), 'two')
      const stored = answer?.status === 'fulfilled' ? 'three' : undefined
      assert.equal(await again.get('a:3'), stored, 'answered is stored')
    },
  ],
  [
    'closing it twice is closing it once, and nothing hangs on a closed store',
    async ({ store }) => {
      await store.set('a:1', 'one')
      await Promise.all([store.disconnect?.(), store.disconnect?.()])
      await store.disconnect?.()
      const operations = [
        async () => store.get('a:1'),
        async () => store.has?.('a:1'),
        async () => store.set('a:1', 'two'),
        async () => store.setMany?.([{ key: 'a:1', value: 'two' }]),
        async () => store.delete('a:1'),
        async () => store.iterator?.('a').next(),
      ]
      for (const operation of operations) {
        await assert.rejects(inTime(operation()), error => error !== TOO_LATE)
      }
    },
  ],
]

const TOO_LATE = new Error('An operation on a closed store neither resolved nor rejected')

function inTime<Answer>(operation: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(TOO_LATE), PATIENCE_MS)
  })
  return Promise.race([operation, late]).finally(() => clearTimeout(timer))
}
