import express5 from 'express'
import express4 from 'express4'
import t from 'tap'

import { eraseListener } from '../../../lib/doors/http/erase-listener.ts'
import { guardListener } from '../../../lib/doors/http/guard-listener.ts'
import { request, sendRaw, walkAnswers, walkOtherPaths } from '../../support/answers.ts'
import { openVolatileErasure } from '../../support/open-erasure.ts'
import { serveListener } from '../../support/serve-listener.ts'
import { walkGuard } from '../../support/walk-guard.ts'

const VERSIONS = [
  ['Express 4', express4],
  ['Express 5', express5 as unknown as typeof express4],
] as const

for (const [name, express] of VERSIONS) {
  t.test(`${name}: every answer of the table, and the guard`, async t => {
    const opened = await openVolatileErasure(t)
    const received: unknown[] = []
    const app = express()
    app.use(eraseListener(opened.erasure))
    app.use(guardListener(opened.erasure))
    app.use(express.json({ limit: '50mb' }))
    app.put(/./, (request, response) => {
      received.push(request.body)
      response.json({})
    })
    app.use((_request, response) => void response.send('the rest of the application'))
    const port = await serveListener(t, app)
    await walkAnswers(t, { port, isOwnServer: false, breakStore: opened.breakStore })
    await walkOtherPaths(t, port, /^the rest of the application$/)
    await walkGuard(t, { ...opened, port, received })
  })

  t.test(
    `${name}: behind its body parser, the listeners take what that left`,
    async t => {
      const opened = await openVolatileErasure(t)
      const received: unknown[] = []
      const app = express()
      app.use(express.json({ limit: '50mb' }))
      app.use(eraseListener(opened.erasure))
      app.use(guardListener(opened.erasure))
      app.put(/./, (request, response) => {
        received.push(request.body)
        response.json({})
      })
      const port = await serveListener(t, app)
      t.match(await sendRaw(port, request()), { status: 200, body: '{}' })
      t.ok(await opened.erasure.isErased('@bob:example.org'))
      const late = { events: [{ type: 'm.x', sender: '@bob:example.org' }] }
      const path = '/_matrix/app/v1/transactions/1'
      const body = JSON.stringify(late)
      t.equal((await sendRaw(port, request({ method: 'PUT', path, body })))?.status, 200)
      t.same(received, [{ events: [] }])
    },
  )
}
