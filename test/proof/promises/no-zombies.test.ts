import { join } from 'node:path'

import t, { type Test } from 'tap'

import { attachErasure } from '../../../lib/doors/bridge/attach-erasure.ts'
import { carelessBridge } from '../../support/careless-bridge.ts'
import { breathe, fakeClock } from '../../support/fake-clock.ts'
import { memoryLog } from '../../support/memory-log.ts'
import { createBridge, listening, member, message } from '../../support/open-bridge.ts'
import { HS_TOKEN, openErasure } from '../../support/open-erasure.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { SIZES } from '../../support/sizes.ts'

const bob = '@bob:example.org'
const carol = '@carol:example.org'
const rooms = ['!a:example.org', '!b:example.org', '!c:example.org']
/** Longer than late events take, as it must be. */
const SETTLE_MS = 1000
const LATE_MS = 900

const inRooms = (event: object) => rooms.map(room => ({ ...event, room_id: room }))

async function setUp(t: Test, directory: string) {
  const log = memoryLog()
  const data = carelessBridge(join(directory, 'bridge.db'))
  const clock = fakeClock()
  const options = { settleMs: SETTLE_MS, logger: log, clock }
  const erasure = await openErasure(t, options, directory)
  data.register(erasure)
  await erasure.start()
  const { bridge } = createBridge(t, data.controller)
  attachErasure(bridge, erasure)
  const port = await listening(bridge)
  let transaction = 0
  const send = async (...events: object[]) => {
    transaction += 1
    const url = `http://127.0.0.1:${port}/_matrix/app/v1/transactions/${transaction}`
    const headers = {
      authorization: `Bearer ${HS_TOKEN}`,
      'content-type': 'application/json',
    }
    const typing = {
      type: 'm.typing',
      room_id: rooms[0],
      content: { user_ids: [bob, carol] },
    }
    const body = JSON.stringify({ events, 'de.sorunome.msc2409.ephemeral': [typing] })
    await fetch(url, { method: 'PUT', headers, body })
    await breathe()
  }
  return { data, erasure, send, log, clock }
}

/** What a homeserver sends of an erased user, and others about them, in the order it comes. */
const lateTransactions: ReadonlyArray<readonly object[]> = [
  // Before 1.150 Synapse blanks the profile in every room, then has the user leave room by room.
  ...inRooms(
    member(bob, 'join', { content: { membership: 'join', displayname: '' } }),
  ).map(event => [event]),
  [message(bob, 'sent before leaving, delivered after')],
  ...inRooms(member(bob, 'leave')).map(event => [event]),
  [
    {
      ...message(carol, 'where is Bob?'),
      content: { body: 'where is Bob?', 'm.mentions': { user_ids: [bob] } },
    },
  ],
  [
    {
      ...member(carol, 'join', { type: 'm.room.power_levels', state_key: '' }),
      content: { users: { [bob]: 50, [carol]: 100 } },
    },
  ],
  [
    member(carol, 'leave', {
      state_key: bob,
      content: { membership: 'leave', displayname: 'Bob' },
    }),
  ],
]

t.test('6. No zombies', async t => {
  const random = seededRandom(SIZES.seed)
  const rounds = Math.max(3, Math.ceil(SIZES.schedules / 100))
  let foundAgain = 0
  for (let round = 0; round < rounds; round += 1) {
    await t.test(`interleaving ${round + 1}`, async t => {
      const { data, erasure, send, log, clock } = await setUp(t, t.testdir())
      t.teardown(() => data.close())
      await send(
        ...inRooms(member(bob, 'join')),
        message(bob, 'hello'),
        message(carol, 'hi'),
      )
      t.ok(data.rowsOf(bob) > 5, 'the bridge does store Bob')
      await erasure.accept(bob)
      for (const events of lateTransactions) {
        await clock.advance(Math.floor((random() * LATE_MS) / lateTransactions.length))
        await send(...events)
      }
      await clock.advanceUntil(async () => (await erasure.status()).counts.erased === 1)
      t.equal(data.rowsOf(bob), 0)
      t.ok(data.rowsOf(carol) > 5, 'others are stored as ever')
      await send(message(bob, 'much later'), member(bob, 'leave'))
      t.equal(data.rowsOf(bob), 1, 'of their own events only the late leave passes')
      foundAgain += log.lines.filter(
        ({ fields }) => fields['code'] === 'VERIFY_FOUND',
      ).length
    })
  }
  t.ok(
    foundAgain > 0,
    'other people’s events did bring Bob back, and Bob was purged again',
  )
  t.comment(
    `seed ${SIZES.seed}, ${rounds} interleavings, found again ${foundAgain} times`,
  )
})

t.test('from the 200 on, isErased is true, also after a restart', async t => {
  const directory = t.testdir()
  const first = await openErasure(t, {}, directory)
  t.notOk(await first.isErased(bob))
  await first.accept(bob)
  t.ok(await first.isErased(bob))
  await first.close()
  const second = await openErasure(t, {}, directory)
  t.ok(await second.isErased(bob))
})
