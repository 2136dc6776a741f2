import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import t, { type Test } from 'tap'

import { eraseFetch } from '../../../lib/doors/fetch/erase-fetch.ts'
import { RESOLVED_BY_URL, walkAnswers, walkOtherPaths } from '../../support/answers.ts'
import { openVolatileErasure } from '../../support/open-erasure.ts'

/** Serves an application on Node, as its users do, until the test ends. */
async function serveHono(t: Test, app: Hono): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const { fetch } = app
  const where = { port: 0, hostname: '127.0.0.1' }
  const server = serve({ fetch, ...where }, ({ port }) => resolve(port))
  t.teardown(() => server.close())
  return promise
}

t.test('Hono gives every answer of the table', async t => {
  const { erasure, breakStore } = await openVolatileErasure(t)
  const erase = eraseFetch(erasure)
  const app = new Hono()
  app.use(async (context, next) => (await erase(context.req.raw)) ?? next())
  app.all('*', context => context.text('the rest of the application'))
  const port = await serveHono(t, app)
  await walkAnswers(t, { port, isOwnServer: false, breakStore })
  await walkOtherPaths(t, port, /^the rest of the application$/, RESOLVED_BY_URL)
})
