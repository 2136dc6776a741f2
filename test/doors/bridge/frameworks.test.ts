import t, { type Test } from 'tap'

import { attachErasure } from '../../../lib/doors/bridge/attach-erasure.ts'
import { request, sendRaw, walkAnswers } from '../../support/answers.ts'
import { type Framework, FRAMEWORKS } from '../../support/frameworks.ts'
import { member, message } from '../../support/open-bridge.ts'
import { HS_TOKEN, openErasure, openVolatileErasure } from '../../support/open-erasure.ts'
import { REGISTRATION } from '../../support/open-erasure.ts'

const bob = '@bob:example.org'
const carol = '@carol:example.org'
const BEARER = `Authorization: Bearer ${HS_TOKEN}`

const pathOf = (id: string | number) => `/_matrix/app/v1/transactions/${id}`
const put = (body: unknown, path: string, headers: readonly string[] = [BEARER]) =>
  request({
    method: 'PUT',
    path,
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

/** An application service with erasure, attached before or after it begins. */
async function setUp(t: Test, framework: Framework, when: 'before' | 'after' = 'before') {
  const opened = await openVolatileErasure(t)
  const subject = await framework.create(t)
  if (when === 'before') attachErasure(subject.host, opened.erasure)
  const port = await subject.begin()
  if (when === 'after') attachErasure(subject.host, opened.erasure)
  let count = 0
  const send = async (body: unknown, path?: string) => {
    count += 1
    const answer = await sendRaw(port, put(body, path ?? pathOf(count)))
    t.match(answer, { status: 200, body: '{}' })
  }
  return { ...opened, ...subject, port, send }
}

for (const framework of FRAMEWORKS) {
  t.test(`10.2: ${framework.name}`, async t => {
    await t.test(
      'gives every answer of the table, attached before or after it begins',
      t => testAnswers(t, framework),
    )
    await t.test('hears nothing of an erased user', t => testGuard(t, framework))
    await t.test('hears everything else once, whole and in order', t =>
      testInnocent(t, framework),
    )
    await t.test('is sent a transaction again that came while the store was away', t =>
      testStoreAway(t, framework),
    )
    await t.test('is kept from what is no transaction', t => testErrors(t, framework))
    await t.test('is attached to once, and tells where its users are', t =>
      testAttaching(t, framework),
    )
  })
}

async function testAnswers(t: Test, framework: Framework) {
  for (const when of ['before', 'after'] as const) {
    const { port, log, logged, breakStore } = await setUp(t, framework, when)
    logged.length = 0
    await walkAnswers(t, { port, isOwnServer: false, breakStore })
    t.notMatch([...logged, log.text()].join('\n'), /erase\b|bob|the-hs-token/)
    const other = await sendRaw(
      port,
      request({ method: 'GET', path: '/nothing-of-ours' }),
    )
    t.equal(other?.status, 404, 'the rest still reaches the framework')
    t.match(logged.join('\n'), 'nothing-of-ours', 'and its log')
  }
}

/** All that a transaction may hold, of an erased user and of another. */
const ephemeral = [
  { type: 'm.typing', room_id: '!r:example.org', content: { user_ids: [bob, carol] } },
  {
    type: 'm.receipt',
    room_id: '!r:example.org',
    content: { $e: { 'm.read': { [bob]: { ts: 1 }, [carol]: { ts: 1 } } } },
  },
  { type: 'm.presence', sender: bob, content: { presence: 'online' } },
  { type: 'm.presence', sender: carol, content: { presence: 'online' } },
]
const toDevice = [
  { type: 'm.room_key_request', sender: bob, to_user_id: '@_ghost_1:example.org' },
  { type: 'm.room_key_request', sender: carol, to_user_id: '@_ghost_1:example.org' },
]

async function testGuard(t: Test, framework: Framework) {
  const { erasure, heard, send } = await setUp(t, framework)
  const hints: string[] = []
  Object.assign(erasure.door, { hint: (userId: string) => void hints.push(userId) })
  await erasure.accept(bob)
  const redaction = {
    ...message(bob, ''),
    type: 'm.room.redaction',
    redacts: '$old',
    content: { redacts: '$old', reason: 'Builder' },
  }
  const body = {
    events: [
      message(bob, 'late Builder'),
      message(carol, 'one'),
      member(bob, 'leave', { unsigned: { prev_content: { displayname: 'Builder' } } }),
      member(carol, 'leave', { state_key: bob }),
      redaction,
      member(bob, 'join'),
      message(carol, 'two'),
    ],
    'de.sorunome.msc2409.ephemeral': ephemeral,
    ephemeral,
    'de.sorunome.msc2409.to_device': toDevice,
    to_device: toDevice,
    'org.matrix.msc3202.device_lists': { changed: [bob, carol], left: [] },
    device_lists: { changed: [bob, carol], left: [] },
  }
  await send(body)
  if (framework.servesOldPaths) await send(body, '/transactions/of-old')
  const rounds = framework.servesOldPaths ? 2 : 1
  const told = heard as { type?: string; sender?: string; changed?: string[] }[]
  t.equal(
    told.filter(event => event.sender === bob).length,
    2 * rounds,
    'leave, redaction',
  )
  t.notMatch(JSON.stringify(told.filter(event => event.sender === bob)), /Builder|mxc/)
  const events = told.filter(
    event => event.type?.startsWith('m.room.') && 'event_id' in event,
  )
  t.same(
    events.map(({ type, sender }) => [type, sender]).slice(0, 5),
    [
      ['m.room.message', carol],
      ['m.room.member', bob],
      ['m.room.member', carol],
      ['m.room.redaction', bob],
      ['m.room.message', carol],
    ],
    'in order',
  )
  const of = (type: string) => told.filter(event => event.type === type)
  t.equal(of('m.typing').length, rounds)
  t.match(of('m.typing'), [{ content: { user_ids: [carol] } }])
  t.same(
    (of('m.receipt')[0] as unknown as (typeof ephemeral)[1])?.content,
    { $e: { 'm.read': { [carol]: { ts: 1 } } } },
    'receipts of others only',
  )
  t.same(
    of('m.presence').map(({ sender }) => sender),
    Array(rounds).fill(carol),
  )
  if (framework.hands.includes('to_device'))
    t.same(
      of('m.room_key_request').map(({ sender }) => sender),
      Array(rounds).fill(carol),
    )
  if (framework.hands.includes('device_lists'))
    t.same(
      told.flatMap(({ changed }) => changed ?? []),
      Array(rounds).fill(carol),
    )
  t.same([...new Set(hints)], [bob], 'they are looked at')
}

async function testInnocent(t: Test, framework: Framework) {
  const { erasure, heard, send } = await setUp(t, framework)
  await erasure.accept(bob)
  const sent: object[] = []
  for (let at = 0; at < 10; at += 1) {
    const events = [
      message(carol, `${at} hello ${bob}`),
      message('@dave:other.org', `${at}`),
    ]
    sent.push(...events)
    await send({ events }, pathOf(`in-order-${at}`))
    // The homeserver has not got the answer, and comes again.
    await send({ events }, pathOf(`in-order-${at}`))
  }
  t.same(heard, sent)
}

async function testStoreAway(t: Test, framework: Framework) {
  const { erasure, store, heard, port } = await setUp(t, framework)
  await erasure.accept(bob)
  const events = [message(bob, 'late'), message(carol, 'news')]
  const sent = put({ events }, pathOf('away'))
  store.failReads = true
  const answer = await sendRaw(port, sent)
  t.match(answer, { status: 503, body: /M_UNKNOWN/ })
  t.match(answer?.headers.get('content-type'), /^application\/json/)
  t.same(heard, [])
  store.failReads = false
  t.match(await sendRaw(port, sent), { status: 200, body: '{}' })
  t.same(heard, [events[1]])
}

async function testErrors(t: Test, framework: Framework) {
  const { port, heard } = await setUp(t, framework)
  const good = { events: [message(carol, 'hello')] }
  const at = pathOf(1)
  for (const [sent, status, body] of [
    [put(good, at, []), 401, /M_MISSING_TOKEN/],
    [put(good, at, ['Authorization: Bearer wrong']), 403, /M_FORBIDDEN/],
    [put(good, at, [BEARER, 'Authorization: Bearer wrong']), 403, /M_FORBIDDEN/],
    [put(good, `${at}?access_token=wrong`), 403, /M_FORBIDDEN/],
    [put(good, at, [`Authorization: 1234567${HS_TOKEN}`]), 401, /M_MISSING_TOKEN/],
    [put('{', at), 400, /M_NOT_JSON/],
    [put('7', at), 400, /M_BAD_JSON/],
    [put(good, at, [BEARER, 'Content-Length: 99999999']), 413, /M_TOO_LARGE/],
  ] as const) {
    const answer = await sendRaw(port, sent)
    t.match(answer, { status, body })
    t.match(answer?.headers.get('content-type'), /^application\/json/, 'not in HTML')
  }
  t.same(heard, [])
}

async function testAttaching(t: Test, framework: Framework) {
  const users = [{ exclusive: true, regex: '@_ghost_.*' }]
  const registration = { ...REGISTRATION, namespaces: { users } }
  const erasure = await openErasure(t, { registration })
  const { host } = await framework.create(t)
  attachErasure(host, erasure)
  t.throws(() => attachErasure(host, erasure), { code: 'ALREADY_ATTACHED' })
  const { declined } = await erasure.accept('@_ghost_1:example.org')
  t.equal(declined, framework.knowsServer)
}
