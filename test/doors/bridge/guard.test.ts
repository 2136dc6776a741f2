import type { Request, WeakEvent } from 'matrix-appservice-bridge'
import t, { type Test } from 'tap'

import { attachErasure } from '../../../lib/doors/bridge/attach-erasure.ts'
import { breathe } from '../../support/fake-clock.ts'
import { createBridge, listening, member, message } from '../../support/open-bridge.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'

const bob = '@bob:example.org'
const carol = '@carol:example.org'

async function setUpGuard(t: Test) {
  const opened = await openVolatileErasure(t)
  const events: WeakEvent[] = []
  const ephemeral: unknown[] = []
  const { bridge, logged } = createBridge(t, {
    onEvent: (request: Request<WeakEvent>) => {
      events.push(request.getData())
      request.resolve(undefined)
    },
    onEphemeralEvent: request => void ephemeral.push(request.getData()),
  })
  attachErasure(bridge, opened.erasure)
  const port = await listening(bridge)
  let transaction = 0
  const send = async (body: object) => {
    transaction += 1
    const answer = await fetch(
      `http://127.0.0.1:${port}/_matrix/app/v1/transactions/${transaction}`,
      {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${HS_TOKEN}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify(body),
      },
    )
    t.equal(answer.status, 200)
    await breathe(30)
  }
  const resolved = () => logged.filter(line => line.includes('SUCCESS')).length
  return { ...opened, events, ephemeral, send, resolved }
}

t.test(
  'events of an erased user are dropped and resolved, those of others pass',
  async t => {
    const { erasure, events, send, resolved } = await setUpGuard(t)
    await send({ events: [message(bob, 'before')] })
    await erasure.accept(bob)
    await send({
      events: [
        message(bob, 'late'),
        member(bob, 'join'),
        message(carol, `hello ${bob}`),
        message('not a user ID', 'odd'),
      ],
    })
    t.same(
      events.map(event => event.content['body']),
      ['before', `hello ${bob}`, 'odd'],
      'the queue goes on behind what was dropped',
    )
    t.equal(resolved(), 5, 'what was dropped is resolved too')
  },
)

t.test(
  'his own leave passes without his profile, and what others do to him as it is',
  async t => {
    const { erasure, events, send } = await setUpGuard(t)
    await erasure.accept(bob)
    const kick = member(carol, 'leave', { state_key: bob })
    await send({
      events: [member(bob, 'leave'), kick, member(bob, 'leave', { state_key: carol })],
    })
    t.equal(events.length, 2)
    t.same(events[0]?.content, { membership: 'leave' })
    t.equal(events[0]?.['unsigned' as never], undefined)
    t.match(events[1], kick)
  },
)

t.test('erased users are taken out of typing notices, receipts and presence', async t => {
  const { erasure, ephemeral, send } = await setUpGuard(t)
  await erasure.accept(bob)
  await send({
    events: [],
    'de.sorunome.msc2409.ephemeral': [
      { type: 'm.typing', room_id: '!r:x', content: { user_ids: [bob, carol] } },
      {
        type: 'm.receipt',
        room_id: '!r:x',
        content: { $e: { 'm.read': { [bob]: { ts: 1 }, [carol]: { ts: 1 } } } },
      },
      { type: 'm.presence', sender: bob, content: { presence: 'online' } },
      { type: 'm.presence', sender: carol, content: { presence: 'online' } },
      { type: 'm.other', content: 'odd' },
    ],
  })
  t.match(ephemeral, [
    { content: { user_ids: [carol] } },
    { content: { $e: { 'm.read': { [carol]: { ts: 1 } } } } },
    { sender: carol },
    { type: 'm.other' },
  ])
  t.notMatch(JSON.stringify(ephemeral), /bob/)
})

t.test(
  'while the store cannot be read, events are dropped rather than passed',
  async t => {
    const { store, log, events, send } = await setUpGuard(t)
    store.failReads = true
    await send({ events: [message(carol, 'lost')] })
    store.failReads = false
    await send({ events: [message(carol, 'found')] })
    t.same(
      events.map(event => event.content['body']),
      ['found'],
    )
    t.match(log.text(), 'whether its sender is erased is unknown')
    t.notMatch(log.text(), /carol/)
  },
)
