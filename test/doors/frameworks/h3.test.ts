import { H3, readBody, serve } from 'h3'
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

/** Serves an application of h3 2, as its users do, until the test ends. */
async function serveH3(t: Test, app: H3): Promise<number> {
  const server = serve(app, { port: 0, hostname: '127.0.0.1', silent: true })
  t.teardown(() => server.close(true))
  await server.ready()
  return Number(new URL(server.url ?? '').port)
}

t.test('h3 2: every answer of the table, and the guard', async t => {
  const opened = await openVolatileErasure(t)
  const erase = eraseFetch(opened.erasure)
  const guard = guardFetch(opened.erasure)
  const received: unknown[] = []
  const bridge = new H3()
  bridge.put('/**', async event => {
    received.push(await readBody(event))
    return {}
  })
  bridge.all('/**', () => 'the rest of the application')
  const app = new H3()
  app.all('/**', async ({ req }) => {
    const guarded = (await erase(req)) ?? (await guard(req))
    return guarded instanceof Response ? guarded : bridge.fetch(guarded)
  })
  const port = await serveH3(t, app)
  await walkAnswers(t, { port, isOwnServer: false, breakStore: opened.breakStore })
  await walkOtherPaths(t, port, /^the rest of the application$/, RESOLVED_BY_URL)
  await walkGuard(t, { ...opened, port, received })
  t.equal((await sendUnread(port))?.status, 403)
  t.match(await sendRaw(port, request({ path: '/after' })), { status: 200 })
  t.same(received, [], 'what a body nobody reads looks like is no request')
})
