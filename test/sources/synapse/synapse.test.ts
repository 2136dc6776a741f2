import t from 'tap'

import { erasedIn, openSource } from '../../support/simulated-synapse/open-source.ts'
import { until } from '../../support/until.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

t.test('start lists all accounts at once, and then the deactivated ones', async t => {
  const { accounts, source, sink, outcomes } = await openSource(t)
  for (const name of ['bob', 'carol', 'dora', 'eve']) accounts.add(`@${name}:hs.test`)
  accounts.deactivate('@bob:hs.test', true)
  accounts.deactivate('@carol:hs.test', false)
  accounts.beginErasure('@dora:hs.test')
  accounts.add('@stranger:other.test')
  await source.start(sink)
  t.same(await outcomes(2), ['succeeded', 'succeeded'])
  const entry = (name: string, erased: boolean, halfFinished = false) => ({
    userId: `@${name}:hs.test`,
    erased,
    halfFinished,
  })
  const [bob, carol] = [entry('bob', true), entry('carol', false)]
  t.same(sink.lists, [
    [bob, carol, entry('dora', true, true), entry('eve', false)],
    [bob, carol],
  ])
})

t.test('the deactivated are listed every minute, all every hour', async t => {
  const { homeserver, begin, outcomes } = await openSource(t)
  await begin()
  for (let minute = 1; minute <= 61; minute += 1)
    await outcomes(minute === 60 ? 2 : 1, MINUTE_MS)
  const often = homeserver.asked.filter(target => target.includes('deactivated=true'))
  t.equal(often.length, 61)
  t.equal(homeserver.asked.length, 62)
  for (const target of homeserver.asked)
    t.match(
      target,
      /^\/_synapse\/admin\/v3\/users\?from=0&limit=5000&locked=true&guests=true&/,
    )
})

t.test('locked accounts, guests and accounts half erased are found', async t => {
  const { accounts, sink, begin, outcomes } = await openSource(t)
  accounts.add('@locked:hs.test')
  accounts.lock('@locked:hs.test', true)
  accounts.add('@guest:hs.test', { isGuest: true })
  accounts.add('@half:hs.test')
  await begin()
  accounts.deactivate('@locked:hs.test', true)
  accounts.deactivate('@guest:hs.test', true)
  accounts.beginErasure('@half:hs.test')
  await outcomes(1, MINUTE_MS)
  t.same(erasedIn(sink.lists.at(-1)), ['@guest:hs.test', '@locked:hs.test'])
  await sink.clock.advance(59 * MINUTE_MS)
  await until('all were listed', () => sink.lists.some(list => list.length === 3))
  const all = sink.lists.find(list => list.length === 3)
  t.same(erasedIn(all), ['@guest:hs.test', '@half:hs.test', '@locked:hs.test'])
  t.same(
    all?.filter(({ halfFinished }) => halfFinished).map(({ userId }) => userId),
    ['@half:hs.test'],
  )
})

t.test('a Synapse before 1.103 has version 2', async t => {
  const { homeserver, accounts, sink, begin, outcomes } = await openSource(t)
  homeserver.hasV3 = false
  accounts.add('@bob:hs.test')
  accounts.add('@half:hs.test')
  await begin()
  accounts.deactivate('@bob:hs.test', true)
  accounts.beginErasure('@half:hs.test')
  await outcomes(1, MINUTE_MS)
  t.same(erasedIn(sink.lists.at(-1)), ['@bob:hs.test', '@half:hs.test'])
  t.equal(homeserver.asked.length, 1, 'what was found out is remembered')
  t.match(homeserver.asked[0], /^\/_synapse\/admin\/v2\/users\?.*&deactivated=true/)
  homeserver.hasV3 = true
  await outcomes(1, HOUR_MS)
  await until(
    'version 3 is found',
    () => homeserver.asked.at(-1)?.includes('/v3/') === true,
  )
})

t.test('with MAS nobody asks for guests', async t => {
  const { homeserver, accounts, sink, begin, outcomes } = await openSource(t)
  homeserver.hasMas = true
  accounts.add('@bob:hs.test')
  await begin()
  accounts.deactivate('@bob:hs.test', true)
  await outcomes(1, MINUTE_MS)
  t.same(erasedIn(sink.lists.at(-1)), ['@bob:hs.test'])
  t.equal(homeserver.asked.length, 1, 'what was found out is remembered')
  t.match(homeserver.asked[0], /guests=false/)
  homeserver.hasMas = false
  await outcomes(1, HOUR_MS)
  await until(
    'guests are listed again',
    () => homeserver.asked.at(-1)?.includes('guests=true') === true,
  )
})

t.test('an old Synapse may have MAS, too', async t => {
  const { homeserver, sink, source, outcomes } = await openSource(t)
  homeserver.hasMas = true
  homeserver.hasV3 = false
  await source.start(sink)
  t.same(await outcomes(2), ['succeeded', 'succeeded'])
})

t.test('pages are read to the end', async t => {
  const { homeserver, accounts, sink, source, outcomes } = await openSource(t, {
    pageSize: 7,
  })
  const names = Array.from({ length: 50 }, (_, at) => `@u${at + 10}:hs.test`)
  for (const name of names) accounts.add(name)
  await source.start(sink)
  await outcomes(2)
  t.same(
    sink.lists[0]?.map(({ userId }) => userId),
    names,
  )
  t.ok(homeserver.asked.every(target => target.includes('limit=7')))
})

t.test('a restart lists the deactivated at once, and all when it is time', async t => {
  const { homeserver, source, sink, begin, outcomes } = await openSource(t)
  await begin()
  await outcomes(1, MINUTE_MS)
  await source.close()
  homeserver.asked.length = 0
  await source.start(sink)
  await outcomes(1)
  t.equal(homeserver.asked.length, 1)
  t.match(homeserver.asked[0], /deactivated=true/)
  await sink.clock.advance(59 * MINUTE_MS)
  await until('all are listed', () =>
    homeserver.asked.some(target => !target.includes('deactivated=true')),
  )
})

t.test(
  'a time of the last list of all that is still to come is not believed',
  async t => {
    const { homeserver, source, sink, begin } = await openSource(t)
    await begin()
    await source.close()
    sink.stored = { startedAt: sink.clock.now() + 1000 * HOUR_MS, busyMs: 0 }
    homeserver.asked.length = 0
    await source.start(sink)
    await sink.clock.advance(HOUR_MS)
    await until('all are listed', () =>
      homeserver.asked.some(target => !target.includes('deactivated=true')),
    )
  },
)
