import { H3, serve } from 'h3'
import t, { type Test } from 'tap'

import { eraseFetch } from '../../../lib/doors/fetch/erase-fetch.ts'
import { RESOLVED_BY_URL, walkAnswers, walkOtherPaths } from '../../support/answers.ts'
import { openVolatileErasure } from '../../support/open-erasure.ts'

/** Serves an application of h3 2, as its users do, until the test ends. */
async function serveH3(t: Test, app: H3): Promise<number> {
  const server = serve(app, { port: 0, hostname: '127.0.0.1', silent: true })
  t.teardown(() => server.close(true))
  await server.ready()
  return Number(new URL(server.url ?? '').port)
}

t.test('h3 2 gives every answer of the table', async t => {
  const { erasure, breakStore } = await openVolatileErasure(t)
  const erase = eraseFetch(erasure)
  const app = new H3()
  app.use(async (event, next) => (await erase(event.req)) ?? next())
  app.all('/**', () => 'the rest of the application')
  const port = await serveH3(t, app)
  await walkAnswers(t, { port, isOwnServer: false, breakStore })
  await walkOtherPaths(t, port, /^the rest of the application$/, RESOLVED_BY_URL)
})
