import { bodyParser } from '@koa/bodyparser'
import { Router } from '@koa/router'
import Koa from 'koa'
import t, { type Test } from 'tap'

import { eraseRouter } from '../../../lib/doors/koa/erase-router.ts'
import {
  ERASE_PATH,
  request,
  sendRaw,
  walkAnswers,
  walkOtherPaths,
} from '../../support/answers.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'
import { serveListener } from '../../support/serve-listener.ts'

const serve = (t: Test, app: Koa) => serveListener(t, app.callback())

t.test('the router gives every answer of the table in a Koa application', async t => {
  const { erasure, breakStore } = await openVolatileErasure(t)
  const app = new Koa()
  app.use(eraseRouter(erasure).routes())
  app.use(bodyParser())
  app.use(context => void (context.body = 'the rest of the application'))
  const port = await serve(t, app)
  await walkAnswers(t, { port, isOwnServer: false, breakStore })
  await walkOtherPaths(t, port, /^the rest of the application$/)
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

t.test('under a prefix the router answers there, and nowhere else', async t => {
  const { erasure } = await openVolatileErasure(t)
  const outer = new Router()
  outer.use('/bridge', eraseRouter(erasure).routes())
  const app = new Koa()
  app.use(outer.routes())
  const port = await serve(t, app)
  t.equal((await sendRaw(port, request({ path: `/bridge${ERASE_PATH}` })))?.status, 200)
  for (const path of [ERASE_PATH, `/bridge${ERASE_PATH}/`, `/bridge${ERASE_PATH}#`])
    t.equal((await sendRaw(port, request({ path })))?.status, 404, path)
})
