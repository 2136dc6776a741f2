import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import type { ErasureEvent } from '../../lib/request/erasure-event.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { memoryLog } from '../support/memory-log.ts'
import { memoryStore } from '../support/memory-store.ts'
import { volatile } from '../support/open-erasure.ts'

const bob = '@bob:example.org'

// Issue 8.8.
t.test('onEvent is told what happens, in order, with ids and codes only', async t => {
  const clock = fakeClock()
  const events: ErasureEvent[] = []
  const logger = memoryLog()
  const onEvent = (event: ErasureEvent) => void events.push(event)
  const erasure = await createErasure(
    volatile({ clock, logger, onEvent, settleMs: 10, store: memoryStore() }),
  )
  const until = new Date(clock.now() + 2 * 24 * 3_600_000)
  let calls = 0
  erasure.onUserErase('messages', {
    retry: { attempts: 2 },
    async purge({ userId }) {
      calls += 1
      if (calls <= 2) throw new Error(`${userId} is unknown`)
      if (calls > 3) return {}
      return { retained: [{ what: 'x', why: 'legal-obligation', count: 1, until }] }
    },
    verify: async () => (clock.now() < until.getTime() ? 1 : 0),
  })
  await erasure.start()
  const { requestId } = await erasure.accept(bob)
  await clock.advanceUntil(() => events.some(({ kind }) => kind === 'blocked'))
  await erasure.retry(requestId)
  await clock.advanceUntil(() => events.some(({ kind }) => kind === 'retaining'))
  await clock.advanceUntil(() => events.some(({ kind }) => kind === 'erased'))
  await erasure.accept('@bridge:example.org')
  await erasure.close()
  const handler = 'messages'
  t.match(events, [
    { kind: 'accepted', requestId },
    { kind: 'handler threw', requestId, handler, thrown: 'Error' },
    { kind: 'stepped', requestId, handler, step: 'purge' },
    { kind: 'retrying', requestId, handler, code: 'PURGE_FAILED' },
    { kind: 'handler threw' },
    { kind: 'stepped' },
    { kind: 'blocked', requestId, handler, code: 'PURGE_FAILED' },
    { kind: 'stepped', step: 'purge' },
    { kind: 'stepped', step: 'verify' },
    { kind: 'stepped', step: 'verify' },
    { kind: 'retaining', requestId, until },
    { kind: 'stepped', step: 'purge' },
    { kind: 'stepped', step: 'verify' },
    { kind: 'stepped', step: 'verify' },
    { kind: 'erased', requestId },
    { kind: 'declined' },
  ])
  t.equal(logger.lines.length, events.length, 'the log is one more subscriber')
  t.notMatch(JSON.stringify([events, logger.lines]), /bob/)
})

t.test('onEvent that throws or rejects changes nothing', async t => {
  for (const onEvent of [
    () => {
      throw new Error('no metrics')
    },
    async () => {
      throw new Error('no metrics')
    },
  ]) {
    const logger = memoryLog()
    const erasure = await createErasure(volatile({ logger, onEvent }))
    t.match(await erasure.accept(bob), { declined: false })
    t.match(logger.lines, [{ message: 'An erasure request was accepted' }])
    await erasure.close()
  }
})
