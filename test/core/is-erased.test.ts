import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import type { PurgeHandler } from '../../lib/purge/handler.ts'
import { breathe, fakeClock } from '../support/fake-clock.ts'
import { memoryStore } from '../support/memory-store.ts'
import { openErasure, volatile } from '../support/open-erasure.ts'

const bob = '@bob:example.org'

let calls = 0
/** Handlers that take longer than the tombstone is to last. */
const slow: Record<string, PurgeHandler> = {
  waits: {
    purge: async () =>
      (calls += 1) < 30 ? { removed: 1, more: calls, waitMs: 100 } : {},
    verify: async () => 0,
  },
  retries: {
    async purge() {
      if ((calls += 1) < 30) throw new Error('down')
    },
    verify: async () => 0,
    retry: { attempts: 1000, baseMs: 100, capMs: 100 },
  },
  settles: { purge: async () => {}, verify: async () => 0 },
}

for (const [how, handler] of Object.entries(slow)) {
  for (const tombstoneMs of [200, 0]) {
    const what = `9.A3: a handler that ${how} for longer than ${tombstoneMs} ms`
    t.test(`${what} does not end isErased`, async t => {
      calls = 0
      const clock = fakeClock()
      const store = memoryStore(false, clock)
      const settleMs = how === 'settles' ? 2500 : 50
      const options = { store, clock, tombstoneMs, settleMs, sweepMs: 100 }
      const erasure = await createErasure(volatile(options))
      erasure.onUserErase('remote', handler)
      await erasure.start()
      await erasure.accept(bob)
      let asked = 0
      await clock.advanceUntil(async () => {
        const isOpen = (await erasure.status()).open.length > 0
        if (isOpen && !(await erasure.isErased(bob))) t.fail('not erased while open')
        asked += 1
        return !isOpen
      })
      t.ok(asked > 5)
      t.equal(await erasure.isErased(bob), tombstoneMs > 0)
      await clock.advance(tombstoneMs * 1.1)
      t.notOk(await erasure.isErased(bob), 'and then it ends')
      await erasure.close()
    })
  }
}

t.test('9.A3: a second request does not end isErased for the first', async t => {
  const clock = fakeClock()
  const store = memoryStore(false, clock)
  const options = { store, clock, tombstoneMs: 1000, settleMs: 10 }
  const erasure = await createErasure(volatile(options))
  const until = new Date(clock.now() + 3_600_000)
  let isFirst = true
  erasure.onUserErase('invoices', {
    async purge() {
      if (!isFirst) return {}
      isFirst = false
      return { retained: [{ what: 'x', why: 'legal-obligation', count: 1, until }] }
    },
  })
  await erasure.start()
  await erasure.accept(bob)
  await clock.advance(100)
  await erasure.accept(bob)
  await clock.advance(60_000)
  t.match((await erasure.status()).counts, { retaining: 1, erased: 1 })
  t.ok(await erasure.isErased(bob))
  await clock.advance(3_600_000)
  t.match((await erasure.status()).counts, { retaining: 0, erased: 2 })
  await clock.advance(2000)
  t.notOk(await erasure.isErased(bob))
  await erasure.close()
})

t.test('9.A16: isErased does not flicker when one of two requests fails', async t => {
  const store = memoryStore()
  const { setMany } = store
  const disks = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const next = disks.values()
  store.setMany = async entries => {
    await next.next().value?.promise
    return setMany?.(entries)
  }
  const erasure = await createErasure(volatile({ store }))
  const first = erasure.accept(bob)
  const second = erasure.accept(bob)
  await breathe()
  disks[0]?.reject(new Error('the disk is full'))
  await t.rejects(first, { code: 'STORE_UNWRITABLE' })
  t.ok(await erasure.isErased(bob))
  disks[1]?.resolve()
  await second
  t.ok(await erasure.isErased(bob))
  await erasure.close()
})

t.test('9.A6: 0 ms is no time, also on a SQLite file', async t => {
  const directory = t.testdir()
  const path = join(directory, 'erasure.db')
  const clock = fakeClock()
  const store = sqliteStore({ path, clock })
  const options = { store, clock, tombstoneMs: 0, recordMs: 0, settleMs: 10 }
  const erasure = await openErasure(t, options, directory)
  erasure.onUserErase('messages', { purge: async () => {}, verify: async () => 0 })
  await erasure.start()
  await erasure.accept(bob)
  await erasure.accept('@bridge:example.org')
  await clock.advanceUntil(async () => (await erasure.status()).open.length === 0)
  t.match((await erasure.status()).counts, { erased: 0, declined: 0 })
  t.notOk(await erasure.isErased(bob))
  await erasure.close()
  const database = new DatabaseSync(path, { readOnly: true })
  t.same(
    database
      .prepare('SELECT key FROM document')
      .all()
      .map(({ key }) => key),
    ['erasure:meta:key-check'],
  )
  database.close()
  t.notMatch(readFileSync(path, 'latin1'), /tombstone|record/)
})
