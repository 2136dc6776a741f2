import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { json } from 'node:stream/consumers'

import connect from 'connect'
import polka from 'polka'
import t from 'tap'

import { eraseListener } from '../../../lib/doors/http/erase-listener.ts'
import { guardListener } from '../../../lib/doors/http/guard-listener.ts'
import { walkAnswers, walkOtherPaths } from '../../support/answers.ts'
import { openVolatileErasure } from '../../support/open-erasure.ts'
import { serveListener } from '../../support/serve-listener.ts'
import { walkGuard } from '../../support/walk-guard.ts'

/** A bridge that reads bodies itself, as on these frameworks it must. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  received: unknown[],
): Promise<void> {
  if (request.method === 'PUT') received.push(await json(request))
  response.setHeader('content-length', 2).end('{}')
}

t.test('Connect: every answer of the table, and the guard', async t => {
  const opened = await openVolatileErasure(t)
  const received: unknown[] = []
  const app = connect()
  app.use(eraseListener(opened.erasure))
  app.use(guardListener(opened.erasure))
  app.use((request, response) => void answer(request, response, received))
  const port = await serveListener(t, app)
  await walkAnswers(t, { port, isOwnServer: false, breakStore: opened.breakStore })
  await walkOtherPaths(t, port, /^\{\}$/)
  await walkGuard(t, { ...opened, port, received })
})

t.test('Polka: every answer of the table, and the guard', async t => {
  const opened = await openVolatileErasure(t)
  const received: unknown[] = []
  const app = polka()
  app.use(eraseListener(opened.erasure))
  app.use(guardListener(opened.erasure))
  app.all('*', (request, response) => void answer(request, response, received))
  const port = await serveListener(t, app.handler as RequestListener)
  await walkAnswers(t, { port, isOwnServer: false, breakStore: opened.breakStore })
  await walkOtherPaths(t, port, /^\{\}$/)
  await walkGuard(t, { ...opened, port, received })
})
