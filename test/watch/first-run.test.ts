import t from 'tap'

import { ListSource } from '../support/list-source.ts'
import { startWatching } from '../support/watch.ts'

const users = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `@user${from + index}:example.org`)

t.test(
  'whom the first scan finds is accepted one after the other, later ones at once',
  async t => {
    const directory = t.testdir()
    const source = new ListSource({ acceptPerMinute: 6 })
    source.set('erased', ...users(0, 5))
    const { erasure, clock, count } = await startWatching(t, directory, [source])
    await source.scan()
    await clock.advance(0)
    t.equal(count('accepted'), 1)
    source.set('erased', ...users(5, 7))
    await source.scan()
    t.equal(count('accepted'), 3, 'newly erased users do not wait behind the others')
    erasure.hint('@user4:example.org')
    await clock.advance(0)
    t.equal(count('accepted'), 4, 'nor does one for whom there is a hint')
    t.match(await erasure.status(), { sources: [{ firstRunDone: false }] })
    await clock.advance(10_000)
    t.equal(count('accepted'), 5)
    await clock.advance(30_000)
    t.equal(count('accepted'), 7)
    t.match(await erasure.status(), { sources: [{ firstRunDone: true }] })
  },
)

t.test('a restart begins the rest of the first run again', async t => {
  const directory = t.testdir()
  const rules = { acceptPerMinute: 6 }
  const source = new ListSource(rules)
  source.set('erased', ...users(0, 3))
  const first = await startWatching(t, directory, [source])
  await source.scan()
  await first.clock.advance(0)
  t.equal(first.count('accepted'), 1)
  await first.erasure.close()
  const second = await startWatching(t, directory, [source])
  await source.scan()
  await second.clock.advance(0)
  t.equal(second.count('accepted'), 1, 'still not too fast')
  await second.clock.advance(30_000)
  t.equal(second.count('accepted'), 2)
  t.match(await second.erasure.status(), {
    counts: { erased: 3 },
    sources: [{ firstRunDone: true }],
  })
})

t.test(
  'somebody who cannot be looked at holds up no others of the first run',
  async t => {
    const directory = t.testdir()
    const source = new ListSource()
    source.set('erased', ...users(0, 3))
    let isAway = true
    source.onLook = async userId => {
      if (isAway && userId === '@user0:example.org') throw new Error(`no ${userId}`)
      return 'erased'
    }
    const { erasure, clock, count } = await startWatching(t, directory, [source])
    await source.scan()
    await clock.advance(120_000)
    t.equal(count('accepted'), 2)
    t.match(await erasure.status(), { sources: [{ firstRunDone: false }] })
    isAway = false
    await clock.advance(60_000)
    t.equal(count('accepted'), 3)
    t.match(await erasure.status(), { sources: [{ firstRunDone: true }] })
  },
)

t.test('baseline: nobody of the past is erased, also after a restart', async t => {
  const directory = t.testdir()
  const source = new ListSource({ firstRun: 'baseline', maxPerScan: 2 })
  source.set('erased', ...users(0, 1203))
  const first = await startWatching(t, directory, [source])
  await source.scan()
  source.set('erased', '@new:example.org')
  await source.scan()
  await first.clock.advance(1000)
  t.same(first.purged, ['@new:example.org'])
  await first.erasure.close()
  const second = await startWatching(t, directory, [source])
  await source.scan()
  t.equal(second.count('accepted'), 0)
  source.set('present', '@user7:example.org')
  await source.scan()
  source.set('erased', '@user7:example.org')
  await source.scan()
  await second.clock.advance(1000)
  t.same(second.purged, ['@user7:example.org'], 'a later erasure is a new one')
})

t.test('baseline: a first list that breaks off ends no first run', async t => {
  const directory = t.testdir()
  const source = new ListSource({ firstRun: 'baseline' })
  source.set('erased', ...users(0, 3))
  const { count, erasure } = await startWatching(t, directory, [source])
  function* broken() {
    yield { userId: '@user0:example.org', erased: true }
    throw new Error('the homeserver is away')
  }
  await t.rejects(source.scan(broken()))
  t.match(await erasure.status(), { sources: [{ firstRunDone: false }] })
  await source.scan()
  await source.scan()
  t.equal(count('accepted'), 0)
  t.match(await erasure.status(), { sources: [{ firstRunDone: true }] })
})
