import t from 'tap'

import { erasedIn, openSource } from '../../support/simulated-synapse/open-source.ts'
import {
  ADMIN_TOKEN,
  type Trouble,
} from '../../support/simulated-synapse/simulated-synapse.ts'
import { until } from '../../support/until.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

t.test('troubles are told by code, and it goes on when they are over', async t => {
  const { homeserver, accounts, sink, begin, outcomes } = await openSource(t)
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
  const { homeserver, sink, begin, outcomes } = await openSource(t)
  await begin()
  homeserver.trouble = '500'
  for (let count = 0; count < 5; count += 1) await outcomes(1, MINUTE_MS)
  t.equal(sink.log.lines.length, 1)
  homeserver.trouble = '403'
  for (let count = 0; count < 5; count += 1) await outcomes(1, MINUTE_MS)
  t.equal(sink.log.lines.length, 2)
})

t.test('no scan that works hides one that does not', async t => {
  const { homeserver, sink, source } = await openSource(t)
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
  const { homeserver, sink, begin, outcomes } = await openSource(t)
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
  const { homeserver, sink, begin, outcomes } = await openSource(t)
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
  const { homeserver, sink, begin, outcomes } = await openSource(t)
  await begin()
  homeserver.onAsked = () => (sink.aheadMs += 1000 * HOUR_MS)
  await outcomes(1, MINUTE_MS)
  homeserver.onAsked = () => (sink.aheadMs -= 1000 * HOUR_MS)
  await outcomes(1, 4 * HOUR_MS)
  homeserver.onAsked = () => {}
  await outcomes(1, MINUTE_MS)
})

t.test('a store that fails is not the fault of the homeserver', async t => {
  const { sink, begin } = await openSource(t)
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

t.test('close ends everything, and start begins again', async t => {
  const { homeserver, source, sink, begin, outcomes } = await openSource(t)
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
