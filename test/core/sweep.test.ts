import t from 'tap'

import type { OpenRequest } from '../../lib/request/open-request.ts'
import { createHandOver } from '../../lib/core/hand-over.ts'
import type { Scheduler } from '../../lib/schedule/scheduler.ts'
import { Sweep, type SweepContext } from '../../lib/core/sweep.ts'
import { breathe, fakeClock } from '../support/fake-clock.ts'

/** A sweep of `count` requests, whose scheduler answers when it is told to. */
function sweepOf(count: number) {
  const read: string[] = []
  const scheduled: string[] = []
  const answers: Array<PromiseWithResolvers<void>> = []
  const events: object[] = []
  const emit = (event: object) => void events.push(event)
  const scheduler: Scheduler = {
    schedule(id) {
      scheduled.push(id)
      const answer = Promise.withResolvers<void>()
      answers.push(answer)
      return answer.promise
    },
    start: async () => {},
    close: async () => {},
  }
  const context: { -readonly [Name in keyof SweepContext]: SweepContext[Name] } = {
    store: {
      async *openRequests() {
        for (let index = 0; index < count; index += 1) {
          const id = `request-${String(index).padStart(4, '0')}`
          read.push(id)
          yield { id, tag: 'tag', sealed: '', receivedAt: 0, handlers: {} } as OpenRequest
        }
      },
      releaseOrphans: async () => {},
      reviewTimes: async () => {},
    },
    handOver: createHandOver(scheduler, emit),
    clock: fakeClock(),
    sweepMs: 1000,
    tombstoneMs: 1000,
    emit,
    onDeleted: () => {},
  }
  return { sweep: new Sweep(context), context, read, scheduled, answers, events }
}

t.test('requests are handed over by the page, in order', async t => {
  const { sweep, read, scheduled, answers } = sweepOf(1100)
  let done = false
  const swept = sweep.scheduleAll(() => 0).then(() => (done = true))
  for (const handed of [500, 1000, 1100]) {
    await breathe()
    t.equal(scheduled.length, handed, 'a page is on its way at once')
    t.equal(read.length, handed, 'the next is not read before it has come')
    // The last one to come is what the next page waits for.
    for (const { resolve } of answers.splice(1)) resolve()
    await breathe()
    t.equal(scheduled.length, handed)
    t.notOk(done)
    answers.pop()?.resolve()
  }
  await swept
  t.same(scheduled, read)
})

t.test('a page with requests that cannot be scheduled says so for each', async t => {
  const { sweep, answers, events } = sweepOf(3)
  const swept = sweep.scheduleAll(() => 0)
  await breathe()
  const [first, second, third] = answers
  first?.reject(new Error('@bob:example.org'))
  second?.resolve()
  third?.reject(new Error('@bob:example.org'))
  await swept
  t.same(events, [
    { kind: 'schedule failed', requestId: 'request-0000', code: 'UNKNOWN' },
    { kind: 'schedule failed', requestId: 'request-0002', code: 'UNKNOWN' },
  ])
})

t.test('a sweep that is stopped hands over nothing more', async t => {
  const { sweep, scheduled, answers } = sweepOf(1100)
  const swept = sweep.scheduleAll(() => 0)
  await breathe()
  sweep.stop()
  for (const { resolve } of answers) resolve()
  await swept
  t.equal(scheduled.length, 500)
})

t.test('what need not be scheduled is left out', async t => {
  const { sweep, scheduled } = sweepOf(600)
  await sweep.scheduleAll(() => undefined)
  t.same(scheduled, [])
})

// Issue 9.A15.
t.test(
  'what is due is handed over as of its receipt: a request that comes now is later',
  async t => {
    const { sweep, context, answers } = sweepOf(3)
    const at: number[] = []
    context.handOver = async (_request, time) => void at.push(time)
    const later = context.clock.now() + 1000
    const dues = [context.clock.now(), undefined, later]
    await sweep.scheduleAll(() => dues.shift())
    t.same(at, [0, later])
    t.same(answers, [])
  },
)
