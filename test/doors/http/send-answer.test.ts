import { once } from 'node:events'
import { connect } from 'node:net'

import t from 'tap'

import { ACKNOWLEDGED, NOT_FOUND } from '../../../lib/doors/http/answer.ts'
import { sendAnswer } from '../../../lib/doors/http/send-answer.ts'
import { request, sendRaw } from '../../support/answers.ts'
import { serveListener } from '../../support/serve-listener.ts'

t.test(
  'the answer to a whole request ends at once, and the connection stays',
  async t => {
    const port = await serveListener(t, async (request, response) => {
      await once(request.resume(), 'end')
      sendAnswer(request, response, ACKNOWLEDGED)
      t.ok(response.writableEnded)
      sendAnswer(request, response, NOT_FOUND)
    })
    const answer = await sendRaw(port, request())
    t.match(answer, { status: 200, body: '{}' }, 'what is sent second is not sent')
    t.equal(answer?.headers.get('connection'), 'keep-alive')
  },
)

for (const method of ['POST', 'HEAD']) {
  t.test(`the answer to half a ${method} is sent, and ends with the request`, async t => {
    const ended = Promise.withResolvers<void>()
    const port = await serveListener(t, (request, response) => {
      sendAnswer(request, response, NOT_FOUND)
      t.notOk(response.writableEnded, 'or the client would see a reset')
      response.once('close', () => ended.resolve())
    })
    const socket = connect(port, '127.0.0.1')
    let received = ''
    socket.on('data', chunk => (received += chunk.toString()))
    socket.write(request({ method, headers: ['Content-Length: 10'], body: '12345' }))
    await once(socket, 'data')
    socket.write('67890')
    await Promise.all([once(socket, 'close'), ended.promise])
    const body = method === 'HEAD' ? '' : NOT_FOUND.body
    t.ok(received.endsWith(`\r\n\r\n${body}`))
    t.match(received, /^HTTP\/1\.1 404 .*content-length: 59\r\n.*connection: close/is)
  })
}
