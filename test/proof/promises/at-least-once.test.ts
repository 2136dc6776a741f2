import t from 'tap'

import { createErasure } from '../../../lib/core/create-erasure.ts'
import { testPurgeHandler } from '../../../lib/testing/handlers/test-purge-handler.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { memoryStore } from '../../support/memory-store.ts'
import { volatile } from '../../support/open-erasure.ts'

const bob = '@bob:example.org'

t.test('8. At least once', async t => {
  const store = memoryStore()
  const clock = fakeClock()
  const calls: Array<number | undefined> = []
  const open = async () => {
    const erasure = await createErasure(volatile({ store, clock, settleMs: 0 }))
    erasure.onUserErase<number>('messages', async ({ cursor }) => {
      calls.push(cursor)
      // The work is done, and the process ends before anybody has noted it.
      if (calls.length % 2 === 1) store.failWrites = 'throw'
      return (cursor ?? 0) < 3 ? { removed: 1, more: (cursor ?? 0) + 1 } : {}
    })
    await erasure.start()
    return erasure
  }
  const first = await open()
  await first.accept(bob)
  for (let restart = 0; restart < 10; restart += 1) {
    await clock.advance(0)
    store.failWrites = 'no'
    const next = await open()
    await next.close()
  }
  await first.close()
  t.same(
    calls.slice(0, 8),
    [undefined, undefined, 1, 1, 2, 2, 3, 3],
    'each slice is called again',
  )
})

t.test('a handler that does not stand that is found out by testPurgeHandler', async t => {
  const rows = new Map<string, number>()
  const handler = {
    async purge({ userId }: { userId: string }) {
      if (!rows.delete(userId)) throw new Error('deleted already')
    },
    verify: async ({ userId }: { userId: string }) => rows.get(userId) ?? 0,
  }
  const test = {
    plant: (userId: string) => rows.set(userId, 1),
    read: (userId: string) => rows.get(userId),
  }
  await t.rejects(testPurgeHandler(handler, test), {
    message: /On a second run, purge ended with PURGE_FAILED/,
  })
})
