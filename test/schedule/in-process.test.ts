import t from 'tap'

import { standInId, standInTag } from '../../lib/testing/engines/stand-ins.ts'
import { inProcessScheduler } from '../../lib/schedule/in-process.ts'
import type { Work } from '../../lib/schedule/scheduler.ts'
import { schedulerConformance } from '../../lib/testing/engines/scheduler-conformance.ts'
import { breathe, fakeClock } from '../support/fake-clock.ts'

t.test('the in-process scheduler keeps the contract', async t => {
  const cases = schedulerConformance(settings => ({
    scheduler: inProcessScheduler(settings),
  }))
  t.jobs = cases.length
  for (const { title, run } of cases) void t.test(title, { buffered: true }, run)
})

function setUp(work?: Work) {
  const clock = fakeClock()
  const scheduler = inProcessScheduler({ clock, drainMs: 100 })
  const start = clock.now()
  const calls: { id: string; at: number }[] = []
  return {
    clock,
    scheduler,
    calls,
    schedule: (id: string, inMs: number) =>
      scheduler.schedule(standInId(id), new Date(start + inMs), standInTag(id)),
    start: () =>
      scheduler.start(async (id, signal) => {
        calls.push({ id, at: clock.now() - start })
        return work?.(id, signal)
      }),
  }
}

t.test('by its clock, work is called to the millisecond', async t => {
  const { clock, scheduler, calls, schedule, start } = setUp()
  await schedule('later', 500)
  await start()
  await schedule('now', 0)
  await schedule('twice', 300)
  await schedule('twice', 100)
  await schedule('twice', 200)
  await clock.advance(499)
  const before = [
    { id: 'now', at: 0 },
    { id: 'twice', at: 100 },
  ]
  t.same(calls, before)
  await clock.advance(10_000)
  t.same(calls, [...before, { id: 'later', at: 500 }])
  await scheduler.close()
})

t.test('by its clock, a date that work returns is when it is called again', async t => {
  let left = 3
  const { clock, scheduler, calls, schedule, start } = setUp(async () =>
    --left > 0 ? new Date(clock.now() + 100) : undefined,
  )
  await start()
  await schedule('a', 0)
  await clock.advance(1000)
  t.same(
    calls.map(({ at }) => at),
    [0, 100, 200],
  )
  await scheduler.close()
})

t.test('close aborts work when its patience is over, and not before', async t => {
  let aborted = false
  const { clock, scheduler, schedule, start } = setUp(async (_id, signal) => {
    await new Promise<void>(resolve => {
      signal.addEventListener('abort', () => {
        aborted = true
        resolve()
      })
    })
    return undefined
  })
  await start()
  await schedule('a', 0)
  const closing = scheduler.close()
  await clock.advance(99)
  t.notOk(aborted)
  await clock.advance(1)
  await closing
  t.ok(aborted)
})

t.test('closed, it leaves no timer behind', async t => {
  const clock = fakeClock()
  const scheduler = inProcessScheduler({ clock, concurrency: 2 })
  let done = 0
  for (let id = 0; id < 7; id += 1)
    await scheduler.schedule(standInId(`${id}`), new Date(0), standInTag(`${id}`))
  await scheduler.start(async () => {
    await new Promise<void>(resolve => void clock.setTimer(resolve, 10))
    done += 1
    return undefined
  })
  await clock.advance(100)
  t.equal(done, 7)
  await scheduler.close()
  t.equal(clock.armed, 0)
})

t.test('options that make no sense are refused', async t => {
  t.throws(() => inProcessScheduler({ concurrency: 0 }), TypeError)
  t.throws(() => inProcessScheduler({ concurrency: 1.5 }), TypeError)
  await inProcessScheduler().close()
})

// Issue 9.A15.
t.test('a new request waits for one place, not for all that are due', async t => {
  const clock = fakeClock()
  const scheduler = inProcessScheduler({ clock, concurrency: 1 })
  const begun: string[] = []
  for (let id = 0; id < 100; id += 1) {
    await scheduler.schedule(
      standInId(`old ${id}`),
      new Date(clock.now() - 100 + id),
      standInTag(`${id}`),
    )
  }
  await scheduler.start(async id => {
    begun.push(id)
    await new Promise<void>(resolve => void clock.setTimer(resolve, 10))
    return undefined
  })
  await clock.advance(5)
  await scheduler.schedule(standInId('new'), new Date(clock.now()), standInTag('new'))
  await clock.advance(20)
  t.ok(begun.includes('new'), 'it comes after one or two')
  t.ok(begun.includes('old 0') || begun.includes('old 1'))
  const newest = begun.length
  for (let id = 0; id < 200; id += 1) {
    await scheduler.schedule(
      standInId(`n ${id}`),
      new Date(clock.now()),
      standInTag(`n${id}`),
    )
  }
  await clock.advance(200)
  t.ok(
    begun.slice(newest).filter(id => id.startsWith('old')).length >= 9,
    'nor do the old ones wait',
  )
  await clock.advance(5000)
  t.equal(new Set(begun).size, 301)
  t.equal(begun.length, 301)
  await scheduler.close()
})

t.test(
  'requests of one group take their turns in order, and each is looked at once',
  async t => {
    const clock = fakeClock()
    const scheduler = inProcessScheduler({ clock, concurrency: 4 })
    const begun: string[] = []
    const count = 3000
    for (let id = 0; id < count; id += 1) {
      await scheduler.schedule(
        standInId(`${id}`),
        new Date(clock.now() - count + id),
        standInTag('bob'),
      )
    }
    let running = 0
    let most = 0
    let asked = 0
    const { now } = clock
    clock.now = () => {
      asked += 1
      return now()
    }
    await scheduler.start(async id => {
      running += 1
      most = Math.max(most, running)
      begun.push(id)
      await Promise.resolve()
      running -= 1
      return undefined
    })
    while (begun.length < count) await breathe()
    t.same(
      begun.slice(1),
      begun.slice(1).toSorted((a, b) => Number(a) - Number(b)),
    )
    t.equal(most, 1)
    t.ok(asked < 10 * count, `the clock was asked ${asked} times`)
    await scheduler.close()
  },
)

t.test('closed, a scheduler starts no more', async t => {
  const scheduler = inProcessScheduler({ clock: fakeClock() })
  await scheduler.close()
  await scheduler.schedule(standInId('a'), new Date(0), standInTag('a'))
  await scheduler.start(async () => {
    t.fail('it is closed')
    return undefined
  })
  await breathe()
})
