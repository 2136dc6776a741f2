import t, { type Test } from 'tap'

import {
  isTransaction,
  receiveTransaction,
  type TransactionRequest,
} from '../../../lib/doors/http/receive-transaction.ts'
import type { UserId } from '../../../lib/matrix/user-id.ts'
import { member, message } from '../../support/open-bridge.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'

const bob = '@bob:example.org'
const carol = '@carol:example.org'

const TOKENS = { authorization: [`Bearer ${HS_TOKEN}`], queryTokens: [] }
const bringing = (body: TransactionRequest['readBody']): TransactionRequest => ({
  ...TOKENS,
  readBody: body,
})
const asBytes = (text: string) => {
  const bytes = Buffer.from(text)
  return { bytes, request: bringing(async () => ({ text, bytes })) }
}

/** Bob is erased; notes every hint and every question. */
async function setUp(t: Test) {
  const opened = await openVolatileErasure(t)
  const { erasure } = opened
  await erasure.accept(bob)
  const hints: string[] = []
  const asked: string[][] = []
  const { findErased } = erasure.door
  const door = {
    ...erasure.door,
    hint: (userId: UserId): void => void hints.push(userId),
    findErased: (users: Iterable<string>) => {
      asked.push([...users])
      return findErased(asked.at(-1) ?? [])
    },
  }
  const receive = async (request: TransactionRequest) => {
    const answer = await receiveTransaction(door, request)
    if ('status' in answer) throw new Error(`answered ${answer.status}`)
    return answer
  }
  return { ...opened, door, hints, asked, receive }
}

t.test('10.1: what has nothing of an erased user goes on byte for byte', async t => {
  const { receive } = await setUp(t)
  const events = JSON.stringify([message(carol, `hello ${bob}`)])
  const texts = [
    `{"events":${events}}`,
    ` {\r\n "events" : ${events} , "de.sorunome.msc2409.ephemeral":[] }\n`,
    // What JavaScript cannot hold: numbers, names that occur twice, names that mean something.
    `{"events":[{"sender":"${carol}","n":123456789012345678901234567890,"f":1e400,"z":-0.0}]}`,
    `{"events":[],"a":1,"a":2,"events":${events}}`,
    `{"__proto__":{"events":[{"sender":"${bob}"}]},"events":[{"__proto__":{"sender":"${bob}"}}]}`,
    `{"events":[{"sender":"${carol}","content":{"body":"\\u0000\\ud800 \u{1F600}"}}]}`,
    `{"status":200,"headers":{},"body":"","events":[]}`,
    '{}',
    '[]',
  ]
  for (const text of texts) {
    const { bytes, request } = asBytes(text)
    const { isChanged, toBytes } = await receive(request)
    t.notOk(isChanged, text)
    t.equal(toBytes(), bytes, 'the very bytes that came')
    const alone = await receive(bringing(async () => ({ text })))
    t.equal(Buffer.from(alone.toBytes()).toString(), Buffer.from(text).toString())
  }
})

t.test(
  '10.1: where something is removed, the bytes tell the same as the object',
  async t => {
    const { receive } = await setUp(t)
    const theirs = [message(carol, 'one'), message(bob, 'late'), message(carol, 'two')]
    const { request } = asBytes(JSON.stringify({ events: theirs, other: 1 }))
    const { transaction, isChanged, toBytes } = await receive(request)
    t.ok(isChanged)
    t.same(transaction, { events: [theirs[0], theirs[2]], other: 1 })
    t.same(JSON.parse(Buffer.from(toBytes()).toString()), transaction)
    const twice = `{"events":[],"events":[{"sender":"${bob}"}]}`
    t.same((await receive(asBytes(twice).request)).transaction, { events: [] })
  },
)

t.test('10.1: what was parsed already is not parsed or copied again', async t => {
  const { receive } = await setUp(t)
  const innocent = { events: [message(carol, 'hello')], toJSON: () => t.fail('copied') }
  const passed = await receive(bringing(async () => ({ parsed: innocent })))
  t.equal(passed.transaction, innocent, 'the very object')
  t.notOk(passed.isChanged)
  const guilty = { events: [message(bob, 'late')] }
  const guarded = await receive(bringing(async () => ({ parsed: guilty })))
  t.same(guarded.transaction, { events: [] })
  t.equal(guilty.events.length, 1, 'and nothing is changed in place')
  t.equal(Buffer.from(guarded.toBytes()).toString(), '{"events":[]}')
})

t.test('10.1: users are asked about once for each transaction', async t => {
  const { receive, asked } = await setUp(t)
  const events = [message(carol, '1'), message(bob, '2'), message(carol, '3')]
  const typing = { type: 'm.typing', content: { user_ids: [bob, carol] } }
  await receive(asBytes(JSON.stringify({ events, ephemeral: [typing] })).request)
  t.same(asked, [[carol, bob]])
})

t.test('10.4: who leaves, or is erased and yet acts, is worth a look', async t => {
  const { receive, door, hints } = await setUp(t)
  const events = [
    member(carol, 'leave'),
    member(carol, 'leave'),
    message(bob, 'I am back'),
    { ...member('not a user', 'leave') },
    message('@dave:example.org', 'hello'),
  ]
  const { request } = asBytes(JSON.stringify({ events }))
  await receive(request)
  t.same(hints, [carol, bob])
  for (const hint of [
    () => {
      throw new Error('broken')
    },
    // As one that is async may be.
    (() => Promise.reject(new Error('broken'))) as () => void,
    (() => new Promise(() => {})) as () => void,
  ]) {
    const answer = await receiveTransaction({ ...door, hint }, request)
    t.match(answer, { isChanged: true }, 'a hint fails or delays nothing')
  }
})

t.test('10.1: a transaction is answered instead of passed on', async t => {
  const { door, store, log, hints } = await setUp(t)
  const good = JSON.stringify({ events: [member(carol, 'leave')] })
  const text = (value: string) => async () => ({ text: value })
  const never = async () => {
    throw new Error('was read')
  }
  const cases: [string, TransactionRequest, number, string][] = [
    [
      'no token',
      { authorization: [], queryTokens: [], readBody: never },
      401,
      'M_MISSING_TOKEN',
    ],
    [
      'wrong',
      { authorization: ['Bearer x'], queryTokens: [], readBody: never },
      403,
      'M_FORBIDDEN',
    ],
    ['zipped', { ...bringing(never), contentEncoding: 'gzip' }, 400, 'M_NOT_JSON'],
    ['rejected', bringing(never), 400, 'M_NOT_JSON'],
    ['cut', bringing(async () => ({ failed: 'cut off' })), 400, 'M_NOT_JSON'],
    ['large', bringing(async () => ({ failed: 'too large' })), 413, 'M_TOO_LARGE'],
    ['bytes', bringing(async () => ({ failed: 'not UTF-8' })), 400, 'M_NOT_JSON'],
    ['not JSON', bringing(text('{')), 400, 'M_NOT_JSON'],
    ['no object', bringing(text('"x"')), 400, 'M_BAD_JSON'],
  ]
  for (const [what, request, status, errcode] of cases) {
    const answer = await receiveTransaction(door, request)
    t.match(answer, { status, body: errcode }, what)
  }
  store.failReads = true
  const away = await receiveTransaction(door, bringing(text(good)))
  t.match(away, { status: 503, body: 'M_UNKNOWN', headers: { 'retry-after': '30' } })
  t.same(hints, [])
  t.match(log.text(), 'A transaction is put off')
  t.notMatch(log.text(), /carol|bob/)
})

t.test('10.1: whatever a framework takes for a transaction is one', t => {
  const path = '/_matrix/app/v1/transactions/1'
  for (const target of [
    path,
    `${path}/`,
    `${path}?access_token=x`,
    `${path}#/x`,
    `http://localhost${path}`,
    `HTTP://localhost:80${path}#?`,
    `ws://x${path}`,
    path.replaceAll('/', '\\'),
    path.toUpperCase(),
    '/transactions/1',
    '/Transactions/%2F?access_token=x',
    '/_matrix/app/v1/%74ransaction%73/1',
    '//_matrix//app/v1/transactions//1//',
    '/%5Fmatrix/app%5cv1/transactions/%3f',
  ])
    t.ok(isTransaction('PUT', target), target)
  for (const target of [
    `${path}/more`,
    '/_matrix/app/v1/transactions/',
    `/other${path}`,
    '/x/transactions/1',
    '/_matrix/app/v1/transactions%2f1',
    `/?${path}`,
    '/',
    '*',
    '',
  ])
    t.notOk(isTransaction('PUT', target), target)
  for (const method of ['GET', 'POST', undefined]) t.notOk(isTransaction(method, path))
  t.end()
})
