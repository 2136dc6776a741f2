import t from 'tap'

import {
  guardTransaction,
  usersOfTransaction,
} from '../../lib/matrix/guard-transaction.ts'

const bob = '@bob:example.org'
const carol = '@carol:example.org'
const isErased = (user: string) => user === bob

/** Names Bob, and everything that may identify them. */
const BOB = /bob|Builder|mxc|stalker/

/** An event as Synapse sends it to application services, with everything at the top level, too. */
const event = (type: string, sender: string, more: object = {}) => {
  const before = {
    prev_content: {
      membership: 'join',
      displayname: 'Bob the Builder',
      avatar_url: 'mxc://x/y',
    },
    prev_sender: sender,
    replaces_state: '$before',
    age: 31,
  }
  return {
    type,
    sender,
    user_id: sender,
    room_id: '!room:example.org',
    event_id: '$event',
    origin_server_ts: 1_764_000_000_000,
    content: {},
    ...before,
    unsigned: before,
    ...more,
  }
}
const leave = (sender: string, user = sender, content: object = {}) =>
  event('m.room.member', sender, {
    state_key: user,
    content: { membership: 'leave', displayname: 'Bob the Builder', ...content },
  })
const redaction = (sender: string, more: object, content: object) =>
  event('m.room.redaction', sender, {
    content: { reason: 'my stalker', ...content },
    ...more,
  })

const BARE = {
  sender: bob,
  room_id: '!room:example.org',
  event_id: '$event',
  origin_server_ts: 0,
}

t.test('what an erased user does is dropped, what others do passes as it is', async t => {
  const others = [
    event('m.room.message', carol, { content: { body: `hello ${bob}` } }),
    leave(carol, bob),
    leave(carol),
    redaction(carol, { redacts: '$x' }, {}),
    event('m.room.message', '@bob:example.com'),
    event('m.room.message', '@BOB:example.org'),
    { type: 'm.room.message', sender: 5 },
    'odd',
    null,
  ]
  const theirs = [
    event('m.room.message', bob),
    event('m.room.encrypted', bob),
    event('m.reaction', bob),
    event('m.room.member', bob, { state_key: bob, content: { membership: 'join' } }),
    event('m.room.member', bob, { state_key: bob, content: 'leave' }),
    leave(bob, carol),
  ]
  const mixed = [theirs[0], others[0], theirs[1], ...others.slice(1), ...theirs.slice(2)]
  const guarded = guardTransaction({ events: mixed, other: bob }, isErased)
  t.same(guarded, { events: others, other: bob })
})

t.test('9.A4: their own leave passes with nothing but the fact in it', async t => {
  const guarded = guardTransaction({ events: [leave(bob)] }, isErased)
  t.strictSame(guarded, {
    events: [
      {
        ...BARE,
        type: 'm.room.member',
        state_key: bob,
        content: { membership: 'leave' },
      },
    ],
  })
  t.notMatch(JSON.stringify(guarded).replaceAll(bob, ''), BOB)
})

t.test('9.A5: their redactions pass, without a reason', async t => {
  const type = 'm.room.redaction'
  const events = [
    redaction(bob, { redacts: '$old' }, {}),
    redaction(bob, {}, { redacts: '$new' }),
    redaction(bob, { redacts: '$both' }, { redacts: '$both' }),
    redaction(bob, { redacts: { reason: bob } }, {}),
    redaction(bob, {}, {}),
  ]
  const guarded = guardTransaction({ events }, isErased)
  t.strictSame(guarded, {
    events: [
      { ...BARE, type, redacts: '$old', content: {} },
      { ...BARE, type, content: { redacts: '$new' } },
      { ...BARE, type, redacts: '$both', content: { redacts: '$both' } },
    ],
  })
})

const receipt = (users: object) => ({
  type: 'm.receipt',
  room_id: '!r:x',
  content: { $e: { 'm.read': users, 'm.read.private': users } },
})
const EPHEMERAL = [
  { type: 'm.typing', room_id: '!r:x', content: { user_ids: [bob, carol] } },
  receipt({ [bob]: { ts: 1 }, [carol]: { ts: 1 } }),
  { type: 'm.presence', sender: bob, content: { presence: 'online' } },
  { type: 'm.presence', sender: carol, content: { presence: 'online' } },
  { type: 'm.other', content: 'odd' },
  { type: 'm.receipt', content: { $e: 'odd' } },
  { type: 'm.typing', content: { user_ids: 'odd' } },
]
const EPHEMERAL_LEFT = [
  { type: 'm.typing', room_id: '!r:x', content: { user_ids: [carol] } },
  receipt({ [carol]: { ts: 1 } }),
  ...EPHEMERAL.slice(3),
]
const TO_DEVICE = [
  { type: 'm.room_key_request', sender: bob, to_user_id: '@_ghost:example.org' },
  { type: 'm.room_key_request', sender: carol, to_user_id: '@_ghost:example.org' },
]

t.test('ephemeral events, messages to devices and device lists lose them', async t => {
  const parts = [
    ['ephemeral', EPHEMERAL, EPHEMERAL_LEFT],
    ['de.sorunome.msc2409.ephemeral', EPHEMERAL, EPHEMERAL_LEFT],
    ['to_device', TO_DEVICE, TO_DEVICE.slice(1)],
    ['de.sorunome.msc2409.to_device', TO_DEVICE, TO_DEVICE.slice(1)],
    [
      'device_lists',
      { changed: [bob, carol], left: [bob] },
      { changed: [carol], left: [bob] },
    ],
    ['org.matrix.msc3202.device_lists', { changed: [bob] }, { changed: [] }],
  ] as const
  for (const [name, before, after] of parts) {
    const transaction = { events: [], [name]: before }
    t.same(guardTransaction(transaction, isErased), { events: [], [name]: after }, name)
    t.ok(usersOfTransaction(transaction).has(bob), `${name}: they are asked about`)
  }
})

t.test('a transaction with nothing of an erased user goes on as it is', async t => {
  const transactions = [
    {
      events: [event('m.room.message', carol), leave(carol, bob)],
      ephemeral: EPHEMERAL.slice(3),
    },
    {},
    { events: 'odd', ephemeral: {}, device_lists: null, to_device: 5 },
    JSON.parse('{"__proto__":{"events":1},"events":[]}') as object,
    [],
  ]
  for (const transaction of transactions)
    t.equal(guardTransaction(transaction, isErased), transaction)
})

t.test('nothing is changed in place', async t => {
  const transaction = {
    events: [leave(bob), event('m.room.message', bob)],
    ephemeral: EPHEMERAL,
    device_lists: { changed: [bob] },
  }
  const before = JSON.stringify(transaction)
  t.not(guardTransaction(transaction, isErased), transaction)
  t.equal(JSON.stringify(transaction), before)
})

t.test('everybody is asked about once', async t => {
  const transaction = {
    events: [event('m.room.message', bob), event('m.room.message', bob), leave(carol)],
    ephemeral: EPHEMERAL,
  }
  t.same([...usersOfTransaction(transaction)], [bob, carol])
})
