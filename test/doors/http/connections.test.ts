import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

import t from 'tap'

import { listen } from '../../../lib/doors/http/listen.ts'
import { request, sendRaw } from '../../support/answers.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'

/** Ends when the connection has ended, also when that was before anybody asked. */
const ended = (socket: Socket) =>
  new Promise<void>(resolve => {
    if (socket.closed) resolve()
    socket.on('close', () => resolve())
  })

/** Connects, and sends bytes. */
async function open(port: number, bytes: string | Buffer) {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  let received = ''
  socket.on('data', chunk => (received += chunk.toString()))
  await once(socket, 'connect')
  if (bytes.length > 0) await new Promise(resolve => socket.write(bytes, resolve))
  return { socket, received: () => received }
}

const HALF = request({
  headers: [`Authorization: Bearer ${HS_TOKEN}`, 'Content-Length: 90'],
  body: '{"user',
})

t.test(
  'garbage on a connection whose requests are answered is answered, too',
  async t => {
    const { erasure } = await openVolatileErasure(t)
    const { port, close } = await listen(erasure, { port: 0 })
    t.teardown(close)
    const { socket, received } = await open(port, request())
    while (!received().endsWith('{}')) await once(socket, 'data')
    socket.write('garbage\r\n\r\n')
    await ended(socket)
    t.match(received(), /^HTTP\/1\.1 200 .*\{\}HTTP\/1\.1 400 .*M_UNKNOWN/s)
  },
)

t.test('9.21: close() does not wait for who says nothing, or half of it', async t => {
  const patience = {
    headersTimeoutMs: 3_600_000,
    requestTimeoutMs: 3_600_000,
    drainMs: 3_600_000,
  }
  const { erasure } = await openVolatileErasure(t)
  for (const bytes of ['', 'POST / HTTP/1.1\r\nHost: x\r\n', HALF]) {
    const server = await listen(erasure, { port: 0, ...patience })
    const { socket } = await open(server.port, bytes)
    // Has the server see what was sent before.
    t.equal((await sendRaw(server.port, request()))?.status, 200)
    await Promise.all([server.close(), ended(socket)])
  }
})

t.test(
  '9.21: close() answers what has arrived, and lets go of idle connections',
  async t => {
    const [asked, release] = [
      Promise.withResolvers<void>(),
      Promise.withResolvers<boolean>(),
    ]
    const allow = (userId: string) => {
      if (userId !== '@bob:example.org') return true
      asked.resolve()
      return release.promise
    }
    const { erasure } = await openVolatileErasure(t, { allow })
    const server = await listen(erasure, { port: 0, drainMs: 3_600_000 })
    const idle = await open(server.port, request({ method: 'GET' }))
    const busy = await open(server.port, request())
    await asked.promise
    const closed = server.close()
    t.equal(server.close(), closed, 'closing twice is closing once')
    busy.socket.write(request({ body: '{"user_id":"@late:example.org"}' }))
    release.resolve(true)
    await Promise.all([closed, ended(busy.socket), ended(idle.socket)])
    t.match(busy.received(), /^HTTP\/1\.1 200 .*connection: close/is)
    t.equal(busy.received().match(/HTTP\/1\.1/g)?.length, 1)
    t.notOk(
      await erasure.isErased('@late:example.org'),
      'nothing behind it is carried out',
    )
  },
)

t.test('9.22: an `allow` that never answers does not hold up close()', async t => {
  const asked = Promise.withResolvers<void>()
  const allow = () => {
    asked.resolve()
    return new Promise<boolean>(() => {})
  }
  const { erasure } = await openVolatileErasure(t, { allow })
  const server = await listen(erasure, { port: 0, drainMs: 100 })
  const { socket, received } = await open(server.port, request())
  await asked.promise
  await Promise.all([server.close(), ended(socket)])
  t.equal(received(), '')
})
