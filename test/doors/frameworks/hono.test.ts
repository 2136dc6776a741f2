import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import t, { type Test } from 'tap'

import { eraseFetch } from '../../../lib/doors/fetch/erase-fetch.ts'
import { guardFetch } from '../../../lib/doors/fetch/guard-fetch.ts'
import {
  request,
  RESOLVED_BY_URL,
  sendRaw,
  walkAnswers,
  walkOtherPaths,
} from '../../support/answers.ts'
import { openVolatileErasure } from '../../support/open-erasure.ts'
import { sendUnread, walkGuard } from '../../support/walk-guard.ts'

/** Serves an application on Node, as its users do, until the test ends. */
async function serveHono(t: Test, { fetch }: Hono): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const where = { port: 0, hostname: '127.0.0.1' }
  const server = serve({ fetch, ...where }, ({ port }) => resolve(port))
  t.teardown(() => server.close())
  return promise
}

t.test('Hono: every answer of the table, and the guard', async t => {
  const opened = await openVolatileErasure(t)
  const erase = eraseFetch(opened.erasure)
  const guard = guardFetch(opened.erasure)
  const received: unknown[] = []
  const app = new Hono()
  app.use(async (context, next) => {
    const answer = await erase(context.req.raw)
    if (answer !== undefined) return answer
    const guarded = await guard(context.req.raw)
    if (guarded instanceof Response) return guarded
    context.req.raw = guarded
    return next()
  })
  app.put('*', async context => {
    received.push(await context.req.json())
    return context.json({})
  })
  app.all('*', context => context.text('the rest of the application'))
  const port = await serveHono(t, app)
  await walkAnswers(t, { port, isOwnServer: false, breakStore: opened.breakStore })
  await walkOtherPaths(t, port, /^the rest of the application$/, RESOLVED_BY_URL)
  await walkGuard(t, { ...opened, port, received })
  t.equal((await sendUnread(port))?.status, 403)
  t.match(await sendRaw(port, request({ path: '/after' })), { status: 200 })
  t.same(received, [], 'what a body nobody reads looks like is no request')
})
