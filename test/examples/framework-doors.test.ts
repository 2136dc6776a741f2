import { text } from 'node:stream/consumers'
import type { RequestListener, Server } from 'node:http'

import { serve as serveHono } from '@hono/node-server'
import { serve as serveH3 } from 'h3'
import { toNodeListener } from 'h3v1'
import t, { type Test } from 'tap'

import { createExpressBridge } from '../../examples/doors/express.ts'
import { createFastifyBridge } from '../../examples/doors/fastify.ts'
import { createH3Bridge as createH3v1Bridge } from '../../examples/doors/h3-1.ts'
import { createH3Bridge } from '../../examples/doors/h3.ts'
import { createHonoBridge } from '../../examples/doors/hono.ts'
import { createBridgeServer } from '../../examples/doors/node-http.ts'
import { createPolkaBridge } from '../../examples/doors/polka.ts'
import type { Erasure } from '../../lib/core/erasure.ts'
import { ERASE_PATH, request, sendRaw, walkAnswers } from '../support/answers.ts'
import { message } from '../support/open-bridge.ts'
import { openVolatileErasure } from '../support/open-erasure.ts'
import { serveListener } from '../support/serve-listener.ts'
import { TRANSACTION_PATH } from '../support/walk-guard.ts'

type OnTransaction = (transaction: unknown) => void
/** Serves an example on a free port until the test ends, as the example says it is served. */
type Serve = (t: Test, erasure: Erasure, on: OnTransaction) => Promise<number>

const HOST = '127.0.0.1'

const EXAMPLES: Readonly<Record<string, Serve>> = {
  'node-http.ts': (t, erasure, on) => {
    const server = createBridgeServer(erasure, async (incoming, response) => {
      on(JSON.parse(await text(incoming)))
      response.end('{}')
    })
    return listening(t, server)
  },
  'express.ts': (t, erasure, on) => serveListener(t, createExpressBridge(erasure, on)),
  'polka.ts': (t, erasure, on) =>
    serveListener(t, createPolkaBridge(erasure, on).handler as RequestListener),
  'h3-1.ts': (t, erasure, on) =>
    serveListener(t, toNodeListener(createH3v1Bridge(erasure, on))),
  'fastify.ts': async (t, erasure, on) => {
    const app = createFastifyBridge(erasure, on)
    t.teardown(() => app.close())
    const url = await app.listen({ host: HOST, port: 0 })
    return Number(new URL(url).port)
  },
  'hono.ts': async (t, erasure, on) => {
    const { promise, resolve } = Promise.withResolvers<number>()
    const { fetch } = createHonoBridge(erasure, on)
    const options = { fetch, hostname: HOST, port: 0 }
    const server = serveHono(options, ({ port }) => resolve(port))
    t.teardown(() => server.close())
    return promise
  },
  'h3.ts': async (t, erasure, on) => {
    const app = createH3Bridge(erasure, on)
    const server = serveH3(app, { hostname: HOST, port: 0, silent: true })
    t.teardown(() => server.close(true))
    await server.ready()
    return Number(new URL(server.url ?? '').port)
  },
}

async function listening(t: Test, server: Server): Promise<number> {
  await new Promise<void>(resolve => void server.listen(0, HOST, resolve))
  t.teardown(() => server.close())
  return (server.address() as { port: number }).port
}

const bob = '@bob:example.org'

for (const [file, serve] of Object.entries(EXAMPLES)) {
  t.test(`examples/doors/${file} takes requests and keeps late events away`, async t => {
    const { erasure, breakStore } = await openVolatileErasure(t)
    const transactions: unknown[] = []
    const port = await serve(t, erasure, transaction => transactions.push(transaction))
    const send = (body: object) =>
      sendRaw(
        port,
        request({ method: 'PUT', path: TRANSACTION_PATH, body: JSON.stringify(body) }),
      )
    const early = { events: [message(bob, 'early')] }
    t.match(await send(early), { status: 200, body: '{}' })
    t.match(await sendRaw(port, request({ path: ERASE_PATH })), { status: 200 })
    t.ok(await erasure.isErased(bob))
    const hello = message('@al:example.org', 'hello')
    t.equal((await send({ events: [message(bob, 'late'), hello] }))?.status, 200)
    t.same(transactions, [early, { events: [hello] }])
    await walkAnswers(t, { port, isOwnServer: false, breakStore })
  })
}
