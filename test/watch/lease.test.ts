import t, { type Test } from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import type { ErasureEvent } from '../../lib/request/erasure-event.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { ListSource } from '../support/list-source.ts'
import { memoryStore } from '../support/memory-store.ts'
import { volatile } from '../support/open-erasure.ts'

const bob = '@bob:example.org'
const LEASE_MS = 30_000

/** Several SDKs on one store, each with a source of its own, as in several processes. */
function openShared(t: Pick<Test, 'teardown'>) {
  const clock = fakeClock()
  const store = memoryStore(true, clock)
  const purged: string[] = []
  const open = async () => {
    const source = new ListSource()
    const events: ErasureEvent[] = []
    // Each its own store, so that one can lose it.
    const own = { ...store, writeIf: store.writeIf, disconnect: async () => {} }
    const onEvent = (event: ErasureEvent) => void events.push(event)
    const options = {
      store: own,
      clock,
      sources: [source],
      settleMs: 0,
      drainMs: 100,
      onEvent,
    }
    const erasure = await createErasure(volatile(options as never))
    erasure.onUserErase('messages', async ({ userId }) => void purged.push(userId))
    await erasure.start()
    await clock.advance(0)
    t.teardown(async () => {
      const closing = erasure.close()
      await clock.advance(1000)
      await closing
    })
    return { source, erasure, own, events }
  }
  return { clock, store, purged, open }
}

t.test(
  'of several processes one watches, and another takes over at once when it closes',
  async t => {
    const { clock, open, store } = openShared(t)
    const first = await open()
    const second = await open()
    t.ok(first.source.isWatching)
    t.notOk(second.source.isWatching)
    await clock.advance(10 * LEASE_MS)
    t.ok(first.source.isWatching, 'it renews its lease')
    t.notOk(second.source.isWatching)
    await first.erasure.close()
    t.notOk(store.documents.has('erasure:lease:test'), 'it gives the lease back')
    await clock.advance(LEASE_MS / 3)
    t.ok(second.source.isWatching)
  },
)

t.test('when the one that watches dies, another takes over within the lease', async t => {
  const { clock, open } = openShared(t)
  const first = await open()
  const second = await open()
  // As after SIGKILL: nothing more of it reaches the store.
  first.own.writeIf = async () => {
    throw new Error('dead')
  }
  const diedAt = clock.now()
  await clock.advanceUntil(() => second.source.isWatching)
  t.ok(clock.now() - diedAt <= LEASE_MS, `${clock.now() - diedAt} ms`)
})

t.test('a process that cannot renew its lease stops before another starts', async t => {
  for (const how of ['rejects', 'hangs']) {
    const { clock, open } = openShared(t)
    const first = await open()
    const second = await open()
    first.own.writeIf = async () => {
      if (how === 'hangs') return new Promise(() => {})
      throw new Error('the database is away')
    }
    const { signal } = first.source.sink
    await clock.advanceUntil(() => !first.source.isWatching)
    t.ok(signal.aborted)
    t.notOk(second.source.isWatching, how)
    await clock.advanceUntil(() => second.source.isWatching)
    t.notOk(first.source.isWatching)
  }
})

t.test('two that watch at the same time accept one erasure once', async t => {
  const { clock, open, store, purged } = openShared(t)
  const first = await open()
  first.source.set('erased', bob)
  store.documents.delete('erasure:lease:test')
  const second = await open()
  second.source.set('erased', bob)
  t.ok(first.source.isWatching)
  t.ok(second.source.isWatching)
  await Promise.all([first.source.scan(), second.source.scan()])
  await clock.advance(1000)
  t.same(purged, [bob])
})

t.test('a process that does not watch looks at hints, too', async t => {
  const { clock, open, purged } = openShared(t)
  const watching = await open()
  await watching.source.scan()
  const other = await open()
  for (const { source } of [watching, other]) source.set('erased', bob)
  other.erasure.hint(bob)
  await clock.advance(0)
  t.ok(await watching.erasure.isErased(bob))
  await watching.source.scan()
  await clock.advance(1000)
  t.same(purged, [bob])

  for (const { source } of [watching, other]) source.set('present', bob)
  other.erasure.hint(bob)
  await clock.advance(0)
  t.notOk(await watching.erasure.isErased(bob), 'one that sends again was reactivated')
  // Until the other process looks no more.
  await clock.advance(60_000)
  for (const { source } of [watching, other]) source.set('erased', bob)
  await watching.source.scan()
  await clock.advance(1000)
  t.same(purged, [bob, bob], 'the one that watches notices that this erasure is new')
})

t.test('a lease that was taken under a wrong clock is no obstacle', async t => {
  const { open, store, clock } = openShared(t)
  const until = clock.now() + 100 * 365 * 24 * 60 * 60 * 1000
  const value = JSON.stringify({ value: { holder: 'another', until } })
  store.documents.set('erasure:lease:test', value)
  const { source } = await open()
  t.ok(source.isWatching)
})
