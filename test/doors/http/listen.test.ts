import { connect, type Socket } from 'node:net'

import t, { type Test } from 'tap'

import type { Erasure } from '../../../lib/core/erasure.ts'
import { listen } from '../../../lib/doors/http/listen.ts'
import type { ListenOptions } from '../../../lib/doors/http/listen-options.ts'
import { isErasureError } from '../../../lib/errors.ts'
import { ERASE_PATH, request, sendRaw, walkAnswers } from '../../support/answers.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'

async function listening(t: Test, erasure: Erasure, options: ListenOptions = {}) {
  const server = await listen(erasure, { port: 0, ...options })
  t.teardown(() => server.close())
  return server
}

t.test('the server of our own gives every answer of the table', async t => {
  const { erasure, breakStore, log } = await openVolatileErasure(t)
  const { port } = await listening(t, erasure)
  const { port: impatientPort } = await listening(t, erasure, { headersTimeoutMs: 100 })
  await walkAnswers(t, { port, impatientPort, isOwnServer: true, breakStore })
  t.notMatch(log.text(), /bob|nobody|refused/)
  t.notMatch(log.text(), HS_TOKEN)
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

t.test('a connection outlives an answer, whatever that is', async t => {
  const { erasure } = await openVolatileErasure(t)
  const { port } = await listening(t, erasure)
  const ping = '/_matrix/app/v1/ping'
  const bodiless = { method: 'GET', headers: [], body: '' }
  for (const [sent, status] of [
    [bodiless, 405],
    [{ ...bodiless, path: '/' }, 404],
    [{ ...bodiless, path: ping, method: 'POST' }, 401],
    [{ path: ping }, 200],
    [{}, 200],
  ] as const) {
    const answer = await sendRaw(port, request(sent))
    t.equal(answer?.status, status)
    t.equal(answer?.headers.get('connection'), 'keep-alive', `${status}`)
  }
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
    const post = async () => {
      const headers = { authorization: `Bearer ${HS_TOKEN}` }
      const body = '{"user_id":"@bob:example.org"}'
      return (await fetch(url + ERASE_PATH, { method: 'POST', headers, body })).status
    }
    let status = await post()
    // On a busy machine this one may be late, too.
    while (status === 408) status = await post()
    t.equal(status, 200, 'others are served meanwhile')
    await Promise.all(all.map(ended))
  },
)

t.test('garbage behind a request does not answer it', async t => {
  const release = Promise.withResolvers<boolean>()
  const { erasure } = await openVolatileErasure(t, { allow: () => release.promise })
  const { port } = await listening(t, erasure)
  const answered = sendRaw(
    port,
    Buffer.concat([request(), Buffer.from('garbage\r\n\r\n')]),
  )
  setTimeout(() => release.resolve(true), 100)
  const answer = await answered
  t.ok(answer === undefined || answer.status === 200)
})

t.test('a port that is taken is one clear error, and closing frees it', async t => {
  const { erasure } = await openVolatileErasure(t)
  const first = await listen(erasure, { port: 0, host: '::1' }).catch(() =>
    listen(erasure, { port: 0 }),
  )
  const { port, url } = first
  t.ok(URL.canParse(url))
  const host = new URL(url).hostname.replace(/[[\]]/g, '')
  const error = await listen(erasure, { port, host }).catch((error: unknown) => error)
  t.ok(isErasureError(error, 'PORT_UNAVAILABLE'))
  t.match(error, {
    message: `Cannot listen on port ${port} of ${host}: another program uses it; stop that program, or choose another port`,
    port,
    host,
    cause: { code: 'EADDRINUSE' },
  })
  await first.close()
  await (await listen(erasure, { port, host })).close()
})

t.test('a host that is not of this machine is one clear error', async t => {
  const { erasure } = await openVolatileErasure(t)
  await t.rejects(listen(erasure, { port: 0, host: '192.0.2.1' }), {
    code: 'PORT_UNAVAILABLE',
    message: /does not have that address; choose another host$/,
  })
})

t.test('a wrong option is named, and 0 is not for ever', async t => {
  const { erasure } = await openVolatileErasure(t)
  const wrong: ReadonlyArray<readonly [ListenOptions, RegExp]> = [
    [{ headersTimeoutMs: 0 }, /`headersTimeoutMs`/],
    [{ requestTimeoutMs: 0 }, /`requestTimeoutMs`/],
    [{ requestTimeoutMs: 2 ** 31 }, /`requestTimeoutMs`/],
    [{ headersTimeoutMs: 0.5 }, /`headersTimeoutMs`/],
    [{ drainMs: -1 }, /`drainMs`/],
    [{ drainMs: Number.NaN }, /`drainMs`/],
    [{ timeoutMs: 1 } as object, /Unknown option `timeoutMs`/],
  ]
  for (const [options, message] of wrong) {
    await t.rejects(listen(erasure, { port: 0, ...options }), {
      name: 'TypeError',
      message,
    })
  }
})

t.test('9.22: requestTimeoutMs limits headersTimeoutMs, given or not', async t => {
  const { erasure } = await openVolatileErasure(t)
  await listening(t, erasure, { requestTimeoutMs: 1000 })
  await listening(t, erasure, { requestTimeoutMs: 1000, headersTimeoutMs: 2000 })
})

t.test('9.30: a client that sends no headers is cut off by headersTimeoutMs', async t => {
  const { erasure } = await openVolatileErasure(t)
  const options = { headersTimeoutMs: 100, requestTimeoutMs: 3_600_000 }
  const { port } = await listening(t, erasure, options)
  const parts = ['', 'POST', 'POST / HTTP/1.1\r\nHost: x\r\n']
  const answers = await Promise.all(parts.map(sent => sendRaw(port, sent)))
  for (const answer of answers) t.match(answer, { status: 408, body: /M_UNKNOWN/ })
})
