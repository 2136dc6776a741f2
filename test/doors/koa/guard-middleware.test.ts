import { text } from 'node:stream/consumers'

import { bodyParser } from '@koa/bodyparser'
import Koa, { type Context } from 'koa'
import t from 'tap'

import { guardMiddleware } from '../../../lib/doors/koa/guard-middleware.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'
import { serveListener } from '../../support/serve-listener.ts'
import { walkGuard } from '../../support/walk-guard.ts'

const bodyOf = (context: Context) => (context.request as { body?: unknown }).body
const parser = () => bodyParser({ jsonLimit: '50mb', parsedMethods: ['PUT'] })

t.test(
  'in front of the body parser, what the guard leaves is not parsed again',
  async t => {
    const opened = await openVolatileErasure(t)
    const received: unknown[] = []
    const app = new Koa()
    app.use(guardMiddleware(opened.erasure))
    app.use(parser())
    app.use(context => {
      received.push(bodyOf(context))
      context.body = {}
    })
    await walkGuard(t, {
      ...opened,
      port: await serveListener(t, app.callback()),
      received,
    })
  },
)

t.test('without a parser, the body is there to be read', async t => {
  const opened = await openVolatileErasure(t)
  const received: unknown[] = []
  const app = new Koa()
  app.silent = true
  app.use(guardMiddleware(opened.erasure))
  app.use(async context => {
    received.push(await text(context.req))
    context.body = {}
  })
  const port = await serveListener(t, app.callback())
  await walkGuard(t, { ...opened, port, received }, body => body)
})

t.test('behind a parser, the guard replaces what that left', async t => {
  const opened = await openVolatileErasure(t)
  const received: unknown[] = []
  const app = new Koa()
  app.silent = true
  app.use(parser())
  app.use(guardMiddleware(opened.erasure))
  app.use(context => {
    received.push(bodyOf(context))
    context.body = {}
  })
  const port = await serveListener(t, app.callback())
  await opened.erasure.accept('@bob:example.org')
  const send = async (body: string) =>
    fetch(`http://127.0.0.1:${port}/_matrix/app/v1/transactions/1`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${HS_TOKEN}`,
        'content-type': 'application/json',
      },
      body,
    })
  const events = [{ type: 'm.x', sender: '@bob:example.org' }]
  t.equal((await send(JSON.stringify({ events }))).status, 200)
  t.same(received, [{ events: [] }])
})
