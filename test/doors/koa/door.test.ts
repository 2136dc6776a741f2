import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'

import { bodyParser } from '@koa/bodyparser'
import Koa from 'koa'
import t, { type Test } from 'tap'

import type { Erasure } from '../../../lib/core/erasure.ts'
import { eraseRouter, listen, type ListenOptions } from '../../../lib/doors/koa/door.ts'
import { ERASE_PATH, request, sendRaw, walkAnswers } from '../../support/answers.ts'
import type { MemoryStore } from '../../support/memory-store.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'

async function listening(t: Test, erasure: Erasure, options: ListenOptions = {}) {
  const server = await listen(erasure, { port: 0, ...options })
  t.teardown(() => server.close())
  return server
}

async function serve(t: Test, app: Koa): Promise<number> {
  const server = createServer(app.callback())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

const breakStore = (store: MemoryStore) => (broken: boolean) => {
  store.failWrites = broken ? 'throw' : 'no'
}

t.test('the server of our own gives every answer of the table', async t => {
  const { erasure, store, log } = await openVolatileErasure(t)
  const { port } = await listening(t, erasure, {
    headersTimeoutMs: 100,
    requestTimeoutMs: 1000,
  })
  await walkAnswers(t, { port, isOwnServer: true, breakStore: breakStore(store) })
  t.notMatch(log.text(), /bob|nobody|refused/)
  t.notMatch(log.text(), HS_TOKEN)
})

t.test('the router gives every answer of the table in a Koa application', async t => {
  const { erasure, store } = await openVolatileErasure(t)
  const app = new Koa()
  app.use(eraseRouter(erasure).routes())
  app.use(bodyParser())
  app.use(context => void (context.body = 'the rest of the application'))
  const port = await serve(t, app)
  await walkAnswers(t, { port, isOwnServer: false, breakStore: breakStore(store) })
  const other = await fetch(
    `http://127.0.0.1:${port}/_matrix/app/v1/users/@bob:example.org`,
  )
  t.equal(await other.text(), 'the rest of the application')
})

t.test('behind a body parser the router takes what that has left', async t => {
  const { erasure } = await openVolatileErasure(t)
  const app = new Koa()
  app.use(bodyParser({ encoding: 'utf-8' }))
  app.use(async (context, next) => {
    if (context.path.includes('unstable'))
      delete (context.request as { rawBody?: string }).rawBody
    await next()
  })
  app.use(eraseRouter(erasure).routes())
  const port = await serve(t, app)
  const post = async (path: string, body: string) => {
    const headers = {
      authorization: `Bearer ${HS_TOKEN}`,
      'content-type': 'application/json',
    }
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers,
      body,
    })
    return answer.status
  }
  const unstable = '/_matrix/app/unstable/org.matrix.msc2438/users/erase'
  t.equal(await post(ERASE_PATH, '{"user_id":"@bob:example.org"}'), 200)
  t.equal(await post(unstable, '{"user_id":"@carol:example.org"}'), 200)
  t.equal(await post(ERASE_PATH, '{"user_id":"@a:b.c","user_id":"@d:b.c"}'), 400)
  t.ok(await erasure.isErased('@bob:example.org'))
  t.ok(await erasure.isErased('@carol:example.org'))
  t.notOk(await erasure.isErased('@d:b.c'))
})

t.test('ping and transactions are answered as the specification wants', async t => {
  const { erasure } = await openVolatileErasure(t)
  const { url } = await listening(t, erasure)
  const send = async (method: string, path: string, token = HS_TOKEN, body = '{}') => {
    const headers = { authorization: `Bearer ${token}` }
    const answer = await fetch(url + path, { method, headers, body })
    return [answer.status, await answer.json()]
  }
  t.same(await send('POST', '/_matrix/app/v1/ping', HS_TOKEN, '{"transaction_id":"x"}'), [
    200,
    {},
  ])
  t.match(await send('POST', '/_matrix/app/v1/ping', 'wrong'), [
    403,
    { errcode: 'M_FORBIDDEN' },
  ])
  t.match(await send('PUT', '/_matrix/app/v1/ping'), [405, { errcode: 'M_UNRECOGNIZED' }])
  const events = JSON.stringify({ events: [{ body: 'x'.repeat(2_000_000) }] })
  t.same(await send('PUT', '/_matrix/app/v1/transactions/1', HS_TOKEN, events), [200, {}])
  t.match(await send('PUT', '/_matrix/app/v1/transactions/1', 'wrong'), [403, {}])
  t.match(await send('POST', '/_matrix/app/v1/transactions/1'), [405, {}])
})

t.test('a HEAD request gets the head of an answer', async t => {
  const { erasure } = await openVolatileErasure(t)
  const { url } = await listening(t, erasure)
  const answer = await fetch(url + ERASE_PATH, { method: 'HEAD' })
  t.equal(answer.status, 405)
  t.equal(await answer.text(), '')
})

t.test('the token is checked before a byte of the body is read', async t => {
  const { erasure } = await openVolatileErasure(t)
  const { port } = await listening(t, erasure)
  const head = request({
    headers: ['Authorization: Bearer wrong', 'Content-Length: 40'],
    body: '',
  })
  const answer = await sendRaw(port, head)
  t.equal(answer?.status, 403, 'though the body never comes')
  t.equal(answer?.headers.get('connection'), 'close')
})

/** Ends when the connection has ended, also when that was before anybody asked. */
const ended = (socket: Socket) =>
  new Promise<void>(resolve => {
    if (socket.closed) resolve()
    socket.on('close', () => resolve())
  })

t.test('a body without end is answered, and the connection ends', async t => {
  const { erasure } = await openVolatileErasure(t)
  const { port } = await listening(t, erasure)
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', chunk => (received += chunk.toString()))
  socket.on('error', () => {})
  const headers = [`Authorization: Bearer ${HS_TOKEN}`, 'Transfer-Encoding: chunked']
  socket.write(request({ headers, body: '' }))
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  const pour = () => {
    while (!socket.destroyed && socket.write(chunk));
  }
  socket.on('drain', pour)
  pour()
  await ended(socket)
  t.match(received, /^HTTP\/1\.1 413/)
})

t.test(
  'clients that send nothing, or drip, or leave, do not hold the server',
  async t => {
    const { erasure } = await openVolatileErasure(t)
    const { port, url } = await listening(t, erasure, {
      headersTimeoutMs: 300,
      requestTimeoutMs: 600,
    })
    const silent = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'))
    const dripping = connect(port, '127.0.0.1')
    const drip = setInterval(() => dripping.write('X'), 50)
    t.teardown(() => clearInterval(drip))
    const half = connect(port, '127.0.0.1')
    half.write(
      request({
        headers: [`Authorization: Bearer ${HS_TOKEN}`, 'Content-Length: 90'],
        body: '{',
      }),
    )
    const leaving = connect(port, '127.0.0.1')
    leaving.write(
      request({
        headers: [`Authorization: Bearer ${HS_TOKEN}`, 'Content-Length: 90'],
        body: '{',
      }),
    )
    setTimeout(() => leaving.destroy(), 100)
    const all = [...silent, dripping, half, leaving]
    for (const socket of all) socket.on('error', () => {}).resume()
    const answer = await fetch(`${url}${ERASE_PATH}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${HS_TOKEN}` },
      body: '{"user_id":"@bob:example.org"}',
    })
    t.equal(answer.status, 200, 'others are served meanwhile')
    await Promise.all(all.map(ended))
  },
)

t.test('garbage behind a request does not answer it', async t => {
  const { erasure } = await openVolatileErasure(t)
  const { port } = await listening(t, erasure)
  const release = Promise.withResolvers<boolean>()
  const { accept } = erasure
  erasure.accept = async userId => {
    await release.promise
    return accept.call(erasure, userId)
  }
  const answered = sendRaw(
    port,
    Buffer.concat([request(), Buffer.from('garbage\r\n\r\n')]),
  )
  setTimeout(() => release.resolve(true), 100)
  const answer = await answered
  t.ok(answer === undefined || answer.status === 200)
})

t.test('a port that is taken is an error, and closing frees it', async t => {
  const { erasure } = await openVolatileErasure(t)
  const first = await listen(erasure, { port: 0, host: '::1' }).catch(() =>
    listen(erasure, { port: 0 }),
  )
  const { port, url } = first
  t.ok(URL.canParse(url))
  const host = new URL(url).hostname.replace(/[[\]]/g, '')
  await t.rejects(listen(erasure, { port, host }), { code: 'EADDRINUSE' })
  await first.close()
  await t.rejects(first.close())
  await (await listen(erasure, { port, host })).close()
})
