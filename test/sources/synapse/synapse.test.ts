import t, { type Test } from 'tap'

import { synapse, type SynapseOptions } from '../../../lib/sources/index.ts'
import type { Account } from '../../../lib/watch/source.ts'
import { recordingSink } from '../../support/recording-sink.ts'
import { serveSynapse } from '../../support/simulated-synapse/serve-synapse.ts'
import {
  ADMIN_TOKEN,
  SimulatedSynapse,
  type Trouble,
} from '../../support/simulated-synapse/simulated-synapse.ts'
import { until } from '../../support/until.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

async function open(t: Test, options: Partial<SynapseOptions> = {}) {
  const homeserver = new SimulatedSynapse()
  const url = await serveSynapse(t, homeserver)
  const source = synapse({
    url,
    accessToken: ADMIN_TOKEN,
    serverName: homeserver.serverName,
    ...options,
  })
  const sink = recordingSink()
  t.teardown(() => source.close())
  /** Lets time pass, until there are so many more outcomes. */
  const outcomes = async (more: number, ms = 0) => {
    const count = sink.outcomes.length + more
    await sink.clock.advance(ms)
    await until(`there are ${count} outcomes`, () => sink.outcomes.length >= count)
    return sink.outcomes.slice(-more)
  }
  /** The whole run starts with the list of all, and the first of the deactivated. */
  const begin = async () => {
    await source.start(sink)
    await outcomes(2)
    homeserver.asked.length = 0
    sink.lists.length = 0
  }
  return { homeserver, accounts: homeserver.accounts, source, sink, outcomes, begin }
}

const erasedIn = (list: readonly Account[] | undefined) =>
  list?.filter(({ erased }) => erased).map(({ userId }) => userId)

t.test('start lists all accounts at once, and then the deactivated ones', async t => {
  const { accounts, source, sink, outcomes } = await open(t)
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
  const { homeserver, begin, outcomes } = await open(t)
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
  const { accounts, sink, begin, outcomes } = await open(t)
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
  const { homeserver, accounts, sink, begin, outcomes } = await open(t)
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
  const { homeserver, accounts, sink, begin, outcomes } = await open(t)
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
  const { homeserver, sink, source, outcomes } = await open(t)
  homeserver.hasMas = true
  homeserver.hasV3 = false
  await source.start(sink)
  t.same(await outcomes(2), ['succeeded', 'succeeded'])
})

t.test('pages are read to the end', async t => {
  const { homeserver, accounts, sink, source, outcomes } = await open(t, { pageSize: 7 })
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

t.test('troubles are told by code, and it goes on when they are over', async t => {
  const { homeserver, accounts, sink, begin, outcomes } = await open(t)
  accounts.add('@bob:hs.test')
  await begin()
  const troubles: Record<Exclude<Trouble, 'nothing' | 'hangs'>, string> = {
    away: 'SOURCE_UNREACHABLE',
    'breaks off': 'SOURCE_UNREACHABLE',
    '500': 'SOURCE_UNREACHABLE',
    '429': 'SOURCE_UNREACHABLE',
    '403': 'SOURCE_FORBIDDEN',
    html: 'SOURCE_INVALID',
    'no erased': 'SOURCE_INVALID',
    null: 'SOURCE_INVALID',
  }
  accounts.deactivate('@bob:hs.test', true)
  for (const [trouble, code] of Object.entries(troubles)) {
    homeserver.trouble = trouble as Trouble
    const lists = sink.lists.length
    t.same(await outcomes(1, MINUTE_MS), [code], trouble)
    t.equal(sink.lists.length, lists, 'no list was read to its end')
    homeserver.trouble = 'nothing'
    await sink.clock.advance(MINUTE_MS)
    await until('it succeeds', () => sink.outcomes.at(-1) === 'succeeded')
    t.same(erasedIn(sink.lists.at(-1)), ['@bob:hs.test'])
  }
  t.notMatch(sink.log.text(), new RegExp(`bob|${ADMIN_TOKEN}`))
})

t.test('a reason is logged once', async t => {
  const { homeserver, sink, begin, outcomes } = await open(t)
  await begin()
  homeserver.trouble = '500'
  for (let count = 0; count < 5; count += 1) await outcomes(1, MINUTE_MS)
  t.equal(sink.log.lines.length, 1)
  homeserver.trouble = '403'
  for (let count = 0; count < 5; count += 1) await outcomes(1, MINUTE_MS)
  t.equal(sink.log.lines.length, 2)
})

t.test('no scan that works hides one that does not', async t => {
  const { homeserver, sink, source } = await open(t)
  homeserver.onAsked = target => {
    homeserver.trouble = target.includes('deactivated=true') ? 'nothing' : '500'
  }
  await source.start(sink)
  await until('the deactivated are listed', () => sink.lists.length === 1)
  t.same(sink.outcomes, ['SOURCE_UNREACHABLE'])
  homeserver.onAsked = () => {}
  homeserver.trouble = 'nothing'
  await sink.clock.advance(MINUTE_MS)
  await until('all are listed', () => sink.outcomes.at(-1) === 'succeeded')
})

t.test('the homeserver is left alone for as long as it asks', async t => {
  const { homeserver, sink, begin, outcomes } = await open(t)
  await begin()
  homeserver.trouble = '429'
  await outcomes(1, MINUTE_MS)
  homeserver.trouble = 'nothing'
  homeserver.asked.length = 0
  await sink.clock.advance(29_999)
  t.equal(homeserver.asked.length, 0)
  t.same(await outcomes(1, 1), ['succeeded'])
})

t.test('a homeserver that is slow is asked less often', async t => {
  const { homeserver, sink, begin, outcomes } = await open(t)
  await begin()
  homeserver.onAsked = () => (sink.aheadMs += 3000)
  await outcomes(1, MINUTE_MS)
  homeserver.onAsked = () => {}
  homeserver.asked.length = 0
  await sink.clock.advance(296_000)
  t.equal(homeserver.asked.length, 0)
  t.same(await outcomes(1, 1000), ['succeeded'])
})

t.test('a clock that is set during a request silences nobody for days', async t => {
  const { homeserver, sink, begin, outcomes } = await open(t)
  await begin()
  homeserver.onAsked = () => (sink.aheadMs += 1000 * HOUR_MS)
  await outcomes(1, MINUTE_MS)
  homeserver.onAsked = () => (sink.aheadMs -= 1000 * HOUR_MS)
  await outcomes(1, 4 * HOUR_MS)
  homeserver.onAsked = () => {}
  await outcomes(1, MINUTE_MS)
})

t.test('a store that fails is not the fault of the homeserver', async t => {
  const { sink, begin } = await open(t)
  await begin()
  sink.storeError = new Error('about @bob:hs.test')
  await sink.clock.advance(MINUTE_MS)
  await until('it is logged', () => sink.log.lines.length === 1)
  t.same(sink.outcomes, ['succeeded', 'succeeded'])
  t.notMatch(sink.log.text(), /bob/)
  sink.storeError = undefined
  await sink.clock.advance(MINUTE_MS)
  await until('it succeeds', () => sink.outcomes.length === 3)
})

t.test('a restart lists the deactivated at once, and all when it is time', async t => {
  const { homeserver, source, sink, begin, outcomes } = await open(t)
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
    const { homeserver, source, sink, begin } = await open(t)
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

t.test('close ends everything, and start begins again', async t => {
  const { homeserver, source, sink, begin, outcomes } = await open(t)
  await begin()
  homeserver.trouble = 'hangs'
  await sink.clock.advance(MINUTE_MS)
  await until('it hangs', () => homeserver.asked.length > 0)
  await source.close()
  t.equal(sink.clock.armed, 0, 'no timer is left')
  t.same(sink.outcomes, ['succeeded', 'succeeded'], 'a close is not a failure')
  homeserver.trouble = 'nothing'
  await source.start(sink)
  t.same(await outcomes(1), ['succeeded'])
  sink.abort()
  await source.close()
  t.equal(sink.clock.armed, 0)
})
