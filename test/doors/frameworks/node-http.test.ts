import { text } from 'node:stream/consumers'

import t from 'tap'

import { eraseListener } from '../../../lib/doors/http/erase-listener.ts'
import { guardListener } from '../../../lib/doors/http/guard-listener.ts'
import { walkAnswers, walkOtherPaths } from '../../support/answers.ts'
import { openVolatileErasure } from '../../support/open-erasure.ts'
import { serveListener } from '../../support/serve-listener.ts'
import { walkGuard } from '../../support/walk-guard.ts'

t.test('node:http: every answer of the table, and the guard', async t => {
  const opened = await openVolatileErasure(t)
  const answer = eraseListener(opened.erasure)
  const guard = guardListener(opened.erasure)
  const received: unknown[] = []
  const port = await serveListener(t, (request, response) =>
    answer(request, response, () =>
      guard(request, response, async () => {
        const body = await text(request)
        if (request.method === 'PUT') received.push(body)
        response.setHeader('content-length', 2).end('{}')
      }),
    ),
  )
  await walkAnswers(t, { port, isOwnServer: false, breakStore: opened.breakStore })
  await walkOtherPaths(t, port, /^\{\}$/)
  await walkGuard(t, { ...opened, port, received }, body => body)
})
