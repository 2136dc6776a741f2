import type { Request, WeakEvent } from 'matrix-appservice-bridge'
import t, { type Test } from 'tap'

import { attachErasure } from '../../../lib/doors/bridge/attach-erasure.ts'
import { request, sendRaw } from '../../support/answers.ts'
import { createBridge, listening, member, message } from '../../support/open-bridge.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'
import { until } from '../../support/until.ts'

const bob = '@bob:example.org'
const carol = '@carol:example.org'
const BEARER = `Authorization: Bearer ${HS_TOKEN}`
const transactionPath = (id: number | string) => `/_matrix/app/v1/transactions/${id}`

async function setUpGuard(
  t: Test,
  onEvent: (request: Request<WeakEvent>) => unknown = () => {},
) {
  const opened = await openVolatileErasure(t)
  const events: WeakEvent[] = []
  const ephemeral: unknown[] = []
  const active: string[] = []
  const heard: unknown[] = []
  const { bridge, logged } = createBridge(
    t,
    {
      onEvent: (request: Request<WeakEvent>) => {
        events.push(request.getData())
        request.resolve(undefined)
        return onEvent(request) as void
      },
    },
    { onLastActiveTimeUpdated: async (user: string) => void active.push(user) },
  )
  attachErasure(bridge, opened.erasure)
  const port = await listening(bridge)
  // Set after attaching, and beside the controller.
  bridge.opts.controller.onEphemeralEvent = request =>
    void ephemeral.push(request.getData())
  bridge.appService.on('event', event => heard.push(event))
  let transaction = 0
  /** Sends events, and behind them one by which it is seen that they have passed. */
  const send = async (body: { events: object[] }, path?: string) => {
    transaction += 1
    const events = [...body.events, message(carol, `end of ${transaction}`)]
    const answer = await sendRaw(
      port,
      request({
        method: 'PUT',
        path: path ?? transactionPath(transaction),
        headers: [BEARER],
        body: JSON.stringify({ ...body, events }),
      }),
    )
    t.match(answer, { status: 200, body: '{}' })
    await until('the events have passed', () => takeEnd(`end of ${transaction}`))
  }
  const takeEnd = (body: string) => {
    const at = events.findIndex(event => event.content['body'] === body)
    if (at !== -1) events.splice(at, 1)
    return at !== -1
  }
  return { ...opened, port, events, ephemeral, active, heard, send, logged }
}

t.test('events of an erased user are dropped, those of others pass', async t => {
  const { erasure, events, heard, send } = await setUpGuard(t)
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
  )
  t.notMatch(
    JSON.stringify(heard),
    /late|Builder/,
    'nor does any other listener hear them',
  )
})

t.test('9.A4: an exception in onEvent stays contained by the framework', async t => {
  const unhandled: unknown[] = []
  const note = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', note)
  t.teardown(() => process.off('unhandledRejection', note))
  const { events, send } = await setUpGuard(t, request => {
    if (request.getData().content['body'] === undefined) throw new TypeError('no body')
  })
  await send({ events: [{ ...message(carol, ''), content: {} }] })
  await send({ events: [] })
  t.equal(events.length, 1)
  t.same(unhandled, [])
})

t.test(
  '9.A4: their own leave passes without profile, and does not make them active',
  async t => {
    const { erasure, events, active, heard, send } = await setUpGuard(t)
    await send({ events: [message(bob, 'before')] })
    t.ok(active.includes(bob), 'the activity tracker does note who is active')
    await erasure.accept(bob)
    active.length = 0
    heard.length = 0
    const profile = { displayname: 'Bob the Builder', avatar_url: 'mxc://x/y' }
    await send({
      events: [
        member(bob, 'leave', { prev_content: profile, prev_sender: bob, age: 5 }),
        message(bob, 'late'),
      ],
      'de.sorunome.msc2409.ephemeral': [
        { type: 'm.presence', sender: bob, content: { presence: 'online' } },
      ],
    } as never)
    t.match(events.at(-1), {
      type: 'm.room.member',
      state_key: bob,
      content: { membership: 'leave' },
    })
    t.same(Object.keys(events.at(-1)?.content ?? {}), ['membership'])
    t.notMatch(JSON.stringify([events.slice(1), heard]), /Builder|mxc|prev_|unsigned/)
    t.same(active, [carol])
  },
)

t.test(
  'erased users are taken out of what an onEphemeralEvent set later is told',
  async t => {
    const { erasure, ephemeral, send } = await setUpGuard(t)
    await erasure.accept(bob)
    await send({
      events: [],
      'de.sorunome.msc2409.ephemeral': [
        { type: 'm.typing', room_id: '!r:x', content: { user_ids: [bob, carol] } },
        { type: 'm.presence', sender: bob, content: { presence: 'online' } },
      ],
    } as never)
    t.match(ephemeral, [{ content: { user_ids: [carol] } }])
    t.equal(ephemeral.length, 1)
  },
)

t.test(
  'while the store cannot be read, transactions are put off and none is lost',
  async t => {
    const { store, log, erasure, events, port, send } = await setUpGuard(t)
    await erasure.accept(bob)
    store.failReads = true
    const body = JSON.stringify({
      events: [message(carol, 'late news'), message(bob, 'x')],
    })
    const sent = request({
      method: 'PUT',
      path: transactionPath('a'),
      headers: [BEARER],
      body,
    })
    const answer = await sendRaw(port, sent)
    t.match(answer, { status: 503, body: /M_UNKNOWN/ })
    t.equal(answer?.headers.get('retry-after'), '30')
    t.equal(events.length, 0)
    store.failReads = false
    t.match(
      await sendRaw(port, sent),
      { status: 200, body: '{}' },
      'the same one, sent again',
    )
    await send({ events: [] })
    t.same(
      events.map(event => event.content['body']),
      ['late news'],
    )
    t.match(log.text(), 'whether its senders are erased is unknown')
    t.notMatch(log.text(), /carol|bob/)
  },
)

t.test('however Express matches the path, there is no way around the guard', async t => {
  const { erasure, events, send } = await setUpGuard(t)
  await erasure.accept(bob)
  const paths = [
    transactionPath('1/'),
    transactionPath(2).replace('transactions', 'Transactions'),
    `http://localhost${transactionPath(3)}`,
    `${transactionPath(4)}?access_token=${HS_TOKEN}`,
  ]
  for (const path of paths) await send({ events: [message(bob, 'late')] }, path)
  t.same(events, [])
})

t.test(
  'a transaction is refused where it is none, or has not the right token',
  async t => {
    const { port, events } = await setUpGuard(t)
    const right = JSON.stringify({ events: [message(carol, 'hello')] })
    const cases = [
      [{ headers: [] }, 401, /M_MISSING_TOKEN/],
      [{ headers: ['Authorization: Bearer wrong'] }, 403, /M_FORBIDDEN/],
      [{ headers: [BEARER, 'Authorization: Bearer wrong'] }, 403, /M_FORBIDDEN/],
      [{ headers: [`Authorization: Xearer ${HS_TOKEN}`] }, 401, /M_MISSING_TOKEN/],
      [{ path: `${transactionPath(1)}?access_token=wrong` }, 403, /M_FORBIDDEN/],
      [{ body: '{' }, 400, /M_NOT_JSON/],
      [{ body: '' }, 400, /M_NOT_JSON/],
      [{ body: 'null' }, 400, /M_BAD_JSON/],
      [{ body: Buffer.from('{"\xff":1}', 'latin1') }, 400, /M_NOT_JSON/],
      [{ headers: [BEARER, 'Content-Encoding: gzip'] }, 400, /M_NOT_JSON/],
      [{ headers: [BEARER, 'Content-Length: 99999999'] }, 413, /M_TOO_LARGE/],
    ] as const
    for (const [sent, status, body] of cases) {
      const whole = {
        method: 'PUT',
        path: transactionPath(1),
        headers: [BEARER],
        body: right,
      }
      const answer = await sendRaw(port, request({ ...whole, ...sent }))
      t.match(answer, { status, body }, JSON.stringify(sent))
    }
    t.same(events, [])
  },
)

t.test('other requests reach the bridge as they are', async t => {
  const { port } = await setUpGuard(t)
  const others = [
    { method: 'GET', path: transactionPath(1) },
    { method: 'PUT', path: '/health' },
    { method: 'PUT', path: `${transactionPath(1)}/more` },
    { method: 'PUT', path: `/other${transactionPath(1)}` },
  ]
  for (const { method, path } of others) {
    const answer = await sendRaw(port, request({ method, path, headers: [], body: '{' }))
    t.equal(answer?.status, 400, 'by the body parser of Express')
    t.notMatch(answer?.body, /M_/)
  }
  const large = { events: [{ ...message(carol, 'x'.repeat(6_000_000)) }] }
  const body = JSON.stringify(large)
  const put = request({
    method: 'PUT',
    path: transactionPath(2),
    headers: [BEARER],
    body,
  })
  t.equal(
    (await sendRaw(port, put))?.status,
    200,
    'also one that Express would not parse',
  )
})
