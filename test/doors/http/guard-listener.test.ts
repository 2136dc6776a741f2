import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { text } from 'node:stream/consumers'

import t, { type Test } from 'tap'

import { guardListener } from '../../../lib/doors/http/guard-listener.ts'
import { request, sendRaw } from '../../support/answers.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'
import { serveListener } from '../../support/serve-listener.ts'
import { until } from '../../support/until.ts'
import { TRANSACTION_PATH } from '../../support/walk-guard.ts'

const bob = '@bob:example.org'
const LATE = JSON.stringify({ events: [{ type: 'm.x', sender: bob }], é: '\u00e9' })

const put = (body: string, more: Parameters<typeof request>[0] = {}) =>
  request({ method: 'PUT', path: TRANSACTION_PATH, body, ...more })

/** A guard in front of `bridge`. */
async function serve(
  t: Test,
  bridge: (request: IncomingMessage) => unknown,
  before: () => Promise<unknown> = async () => {},
) {
  const opened = await openVolatileErasure(t)
  const guard = guardListener(opened.erasure)
  const port = await serveListener(t, async (request, response) => {
    await before()
    guard(request, response, async () => {
      await bridge(request)
      response.setHeader('content-length', 2).end('{}')
    })
  })
  return { ...opened, port }
}

t.test('what is changed is as long as its headers say, in every place', async t => {
  const seen: object[] = []
  const { erasure, port } = await serve(t, async request => {
    const { headers, rawHeaders } = request
    const raw = rawHeaders[rawHeaders.indexOf('Content-Length') + 1]
    const { body, rawBody } = request as never as Record<string, unknown>
    const read = await text(request)
    seen.push({ length: headers['content-length'], raw, body, rawBody, read })
  })
  await erasure.accept(bob)
  t.equal((await sendRaw(port, put(LATE)))?.status, 200)
  const read = JSON.stringify({ events: [], é: '\u00e9' })
  const length = String(Buffer.byteLength(read))
  const body = { events: [], é: '\u00e9' }
  t.same(seen, [{ length, raw: length, body, rawBody: Buffer.from(read), read }])
})

t.test('a guard that comes late finds a body, or that there is none', async t => {
  const read: string[] = []
  // The whole request has arrived by then.
  const late = async () => {
    for (let turn = 0; turn < 10; turn += 1) await setImmediate()
  }
  const { port } = await serve(t, async r => void read.push(await text(r)), late)
  t.equal((await sendRaw(port, put(LATE)))?.status, 200)
  t.same(read, [LATE])
  t.match(await sendRaw(port, put('')), { status: 400, body: /M_NOT_JSON/ })
})

t.test('a body that comes in pieces is whole, and too long a one is refused', async t => {
  const read: string[] = []
  const { port } = await serve(t, async request => void read.push(await text(request)))
  const bytes = put(LATE)
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes.subarray(0, -30))
  socket.write(bytes.subarray(-30, -29))
  // Its answer shows that the server has had time to read the pieces before the last.
  t.equal((await sendRaw(port, put('{')))?.status, 400)
  socket.write(bytes.subarray(-29))
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  t.match(answer.toString(), /^HTTP\/1\.1 200 /)
  t.same(read, [LATE])
  const size = 49 * 1024 * 1024
  const chunk = `${size.toString(16)}\r\n${' '.repeat(size)}\r\n`
  const headers = [`Authorization: Bearer ${HS_TOKEN}`, 'Transfer-Encoding: chunked']
  t.match(await sendRaw(port, put(chunk, { headers })), { status: 413 })
})

t.test(
  'a client that goes away in the middle of a body leaves nothing behind',
  async t => {
    const heard: IncomingMessage[] = []
    const opened = await openVolatileErasure(t)
    const guard = guardListener(opened.erasure)
    let finished = 0
    let handedOn = 0
    const port = await serveListener(t, async (request, response) => {
      heard.push(request)
      await guard(request, response, () => (handedOn += 1))
      finished += 1
    })
    const socket = connect(port, '127.0.0.1')
    socket.write(put(LATE).subarray(0, -5))
    await until('the request is heard', () => heard.length === 1)
    socket.destroy()
    await until('the guard has given up', () => finished === 1)
    t.equal(handedOn, 0)
  },
)

t.test('a body that nobody reads does not stop the connection', async t => {
  const requests: IncomingMessage[] = []
  const { port } = await serve(t, request => requests.push(request))
  const socket = connect(port, '127.0.0.1')
  const answers: string[] = []
  socket.on('data', chunk => answers.push(chunk.toString()))
  socket.write(Buffer.concat([put(LATE), put(LATE)]))
  await until('both are answered', () => answers.join('').split(' 200 ').length === 3)
  socket.destroy()
  await until('both bodies are let go of', () =>
    requests.every(({ readableLength }) => readableLength === 0),
  )
})
