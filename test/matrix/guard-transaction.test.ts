import t from 'tap'

import {
  guardTransaction,
  hintsOfTransaction,
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
const membership = (sender: string, user: string, is: string, content: object = {}) =>
  event('m.room.member', sender, {
    state_key: user,
    content: { membership: is, ...content },
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

t.test(
  '10.1: what others do to an erased user passes as it is, and in order',
  async t => {
    const events = [
      membership(carol, bob, 'invite'),
      event('m.room.message', bob),
      membership(carol, bob, 'leave', { reason: 'kicked' }),
      membership(carol, bob, 'ban'),
      leave(bob),
      membership(carol, bob, 'leave', { reason: 'unbanned' }),
      event('m.room.power_levels', carol, { content: { users: { [bob]: 50 } } }),
      event('m.room.member', carol, {
        state_key: carol,
        content: { membership: 'join' },
      }),
    ]
    const guarded = guardTransaction({ events }, isErased) as { events: unknown[] }
    const others = guarded.events.filter(left => events.includes(left as never))
    t.same(others, [events[0], events[2], events[3], ...events.slice(5)])
    t.strictSame(guarded.events[3], {
      ...BARE,
      type: 'm.room.member',
      state_key: bob,
      content: { membership: 'leave' },
    })
    t.equal(guarded.events.length, 7)
  },
)

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
  { type: 'm.what.comes.next', sender: bob },
  { edu_type: 'm.typing', content: { user_ids: [bob, carol] } },
  { type: 'm.presence', sender: carol, content: { presence: 'online' } },
  { type: 'm.other', content: 'odd' },
  { type: 'm.receipt', content: { $e: 'odd' } },
  { type: 'm.typing', content: { user_ids: 'odd' } },
]
const EPHEMERAL_LEFT = [
  { type: 'm.typing', room_id: '!r:x', content: { user_ids: [carol] } },
  receipt({ [carol]: { ts: 1 } }),
  { edu_type: 'm.typing', content: { user_ids: [carol] } },
  ...EPHEMERAL.slice(5),
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
      ephemeral: EPHEMERAL.slice(5),
    },
    {},
    { events: 'odd', ephemeral: {}, device_lists: null, to_device: 5 },
    JSON.parse('{"__proto__":{"events":1},"events":[]}') as object,
    [],
  ]
  for (const transaction of transactions)
    t.equal(guardTransaction(transaction, isErased), transaction)
})

t.test('10.1: a name that JavaScript gives a meaning to stays a name', async t => {
  const text = `{"__proto__":{"sender":"${bob}"},"constructor":1,"sender":"${carol}"}`
  const odd = JSON.parse(text) as object
  const receipts = JSON.parse(
    `{"type":"m.receipt","content":{"__proto__":{"m.read":{"${bob}":1,"__proto__":2}}}}`,
  ) as object
  const transaction = {
    events: [odd, event('m.room.message', bob)],
    ephemeral: [receipts],
  }
  t.equal(
    JSON.stringify(guardTransaction(transaction, isErased)),
    `{"events":[${text}],` +
      '"ephemeral":[{"type":"m.receipt","content":{"__proto__":{"m.read":{"__proto__":2}}}}]}',
  )
})

t.test('10.4: who is worth a look', async t => {
  const hints = (...events: unknown[]) => [...hintsOfTransaction({ events }, isErased)]
  const dave = '@dave:example.org'
  t.same(hints(leave(carol), leave(dave), leave(carol)), [carol, dave], 'who leaves')
  t.same(hints(event('m.room.message', bob)), [bob], 'who is erased and yet writes')
  t.same(hints(membership(bob, bob, 'join')), [bob], 'or joins')
  t.same(hints(leave(bob)), [bob])
  t.same(
    hints(
      leave(carol, dave),
      membership(carol, dave, 'ban'),
      membership(carol, carol, 'join'),
      event('m.room.message', carol, { content: { membership: 'leave' } }),
      redaction(bob, { redacts: '$x' }, {}),
      {
        type: 'm.room.member',
        sender: 5,
        state_key: 5,
        content: { membership: 'leave' },
      },
      { type: 'm.room.member', sender: carol, state_key: carol, content: 'leave' },
      null,
    ),
    [],
    'and nobody else',
  )
  t.same([...hintsOfTransaction({ events: 'odd' }, isErased)], [])
  t.same([...hintsOfTransaction([], isErased)], [])
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
