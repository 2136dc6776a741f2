import { once } from 'node:events'
import { connect } from 'node:net'

import { AppService } from 'matrix-appservice'
import t from 'tap'

import { eraseListener } from '../../../lib/doors/http/erase-listener.ts'
import { request, sendRaw, walkAnswers, walkOtherPaths } from '../../support/answers.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'
import { serveListener } from '../../support/serve-listener.ts'

const bob = '@bob:example.org'

t.test(
  'a listener in front of an application gives every answer of the table',
  async t => {
    const { erasure, breakStore } = await openVolatileErasure(t)
    const answer = eraseListener(erasure)
    const port = await serveListener(t, (request, response) =>
      answer(request, response, () =>
        response.setHeader('content-length', 27).end('the rest of the application'),
      ),
    )
    await walkAnswers(t, { port, isOwnServer: false, breakStore })
    await walkOtherPaths(t, port, /^the rest of the application$/)
  },
)

t.test('alone it answers other paths with 404', async t => {
  const { erasure } = await openVolatileErasure(t)
  const port = await serveListener(t, eraseListener(erasure))
  t.equal((await sendRaw(port, request()))?.status, 200)
  const answer = await sendRaw(port, request({ method: 'GET', path: '/', body: '' }))
  t.match(answer, { status: 404, body: /M_UNRECOGNIZED/ })
  t.equal(answer?.headers.get('connection'), 'keep-alive')
})

t.test('in Express, behind its body parser, it takes what that has left', async t => {
  const { erasure } = await openVolatileErasure(t)
  const { expressApp } = new AppService({ homeserverToken: HS_TOKEN })
  expressApp.use(eraseListener(erasure))
  expressApp.use((_request, response) => void response.send('the rest'))
  const port = await serveListener(t, expressApp)
  t.match(await sendRaw(port, request()), { status: 200, body: '{}' })
  t.ok(await erasure.isErased(bob))
  t.match(await sendRaw(port, request({ body: '{"user_id":1}' })), {
    status: 400,
    body: /M_BAD_JSON/,
  })
  t.match(await sendRaw(port, request({ path: '/other' })), {
    status: 200,
    body: 'the rest',
  })
})

t.test('behind a parser that leaves text or bytes it takes those', async t => {
  const { erasure } = await openVolatileErasure(t)
  const answer = eraseListener(erasure)
  let kind: 'text' | 'bytes' | 'nothing' = 'text'
  const port = await serveListener(t, async (request, response) => {
    const body = Buffer.concat(await request.toArray())
    const left = { text: body.toString(), bytes: body, nothing: undefined }
    answer(Object.assign(request, { rawBody: left[kind] }), response)
  })
  const twice = request({ body: `{"user_id":"@a:b.c","user_id":"${bob}"}` })
  t.match(await sendRaw(port, twice), { status: 400, body: /more than once/ })
  kind = 'bytes'
  t.match(await sendRaw(port, twice), { status: 400, body: /more than once/ })
  const latin = request({ body: Buffer.from('{"user_id":"@b\xff:x.org"}', 'latin1') })
  t.match(await sendRaw(port, latin), { status: 400, body: /not UTF-8/ })
  t.equal((await sendRaw(port, request()))?.status, 200)
  kind = 'nothing'
  t.equal((await sendRaw(port, request()))?.status, 400)
})

t.test('what has been answered meanwhile is not answered again', async t => {
  const release = Promise.withResolvers<boolean>()
  const { erasure } = await openVolatileErasure(t, { allow: () => release.promise })
  const answer = eraseListener(erasure)
  const answered = Promise.withResolvers<unknown>()
  const port = await serveListener(t, (request, response) => {
    // As a framework's time limit does.
    response.writeHead(503, { 'content-length': 0 }).end()
    answered.resolve(answer(request, response))
  })
  t.equal((await sendRaw(port, request()))?.status, 503)
  release.resolve(true)
  await answered.promise
  t.ok(await erasure.isErased(bob), 'it is carried out all the same')
})

t.test(
  'what stands behind a body nobody reads is neither answered nor handed on',
  async t => {
    const { erasure } = await openVolatileErasure(t)
    const answer = eraseListener(erasure)
    const handedOn: (string | undefined)[] = []
    const port = await serveListener(t, (request, response) =>
      answer(request, response, () => {
        handedOn.push(request.url)
        response.end()
      }),
    )
    const socket = connect(port, '127.0.0.1')
    const closed = once(socket, 'close')
    const headers = ['Authorization: Bearer wrong', 'Content-Length: 10']
    socket.write(request({ headers, body: '12345' }))
    const [refused] = (await once(socket, 'data')) as [Buffer]
    t.match(refused.toString(), /^HTTP\/1\.1 403 .*connection: close/is)
    const inside = request({ method: 'GET', path: '/inside', headers: [], body: '' })
    socket.resume().write(Buffer.concat([Buffer.from('67890'), inside]))
    await closed
    t.equal((await sendRaw(port, request({ path: '/after' })))?.status, 200)
    t.same(handedOn, ['/after'])
  },
)
