import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { createBridgeApp } from '../../examples/doors/koa.ts'
import { createErasableBridge } from '../../examples/doors/matrix-appservice-bridge.ts'
import { createBridgeServer } from '../../examples/doors/node-http.ts'
import { ERASE_PATH, walkAnswers } from '../support/answers.ts'
import { freePort } from '../support/free-port.ts'
import { message } from '../support/open-bridge.ts'
import { HS_TOKEN, openVolatileErasure } from '../support/open-erasure.ts'
import { serveListener } from '../support/serve-listener.ts'

async function send(port: number, method: string, path: string, body: unknown) {
  return fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: `Bearer ${HS_TOKEN}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

t.test('examples/doors/node-http.ts gives every answer of the table', async t => {
  const { erasure, breakStore } = await openVolatileErasure(t)
  const server = createBridgeServer(erasure, (_request, response) => {
    response.end('the bridge')
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  await walkAnswers(t, { port, isOwnServer: false, breakStore })
  t.equal(await (await send(port, 'PUT', '/other', {})).text(), 'the bridge')
})

t.test('examples/doors/koa.ts gives every answer of the table', async t => {
  const { erasure, breakStore } = await openVolatileErasure(t)
  const app = createBridgeApp(erasure, context => {
    context.body = 'the bridge'
  })
  const port = await serveListener(t, app.callback())
  await walkAnswers(t, { port, isOwnServer: false, breakStore })
  t.equal(await (await send(port, 'PUT', '/other', {})).text(), 'the bridge')
})

t.test(
  'examples/doors/matrix-appservice-bridge.ts takes a request and keeps late events away',
  async t => {
    const { erasure } = await openVolatileErasure(t)
    const registration = join(t.testdir(), 'registration.yaml')
    const fields = [
      ...['id: test', 'url: http://127.0.0.1:1', 'as_token: the-as-token-of-a-test'],
      ...[`hs_token: ${HS_TOKEN}`, 'sender_localpart: bridge'],
      'namespaces: { users: [], aliases: [], rooms: [] }',
    ]
    writeFileSync(registration, fields.join('\n'))
    const seen: string[] = []
    const bridge = createErasableBridge(erasure, {
      homeserverUrl: 'http://127.0.0.1:1',
      domain: 'example.org',
      registration,
      onEvent: event => void seen.push(event.sender),
    })
    const port = await freePort()
    await bridge.run(port, undefined, '127.0.0.1')
    t.teardown(() => bridge.close())
    const answer = await send(port, 'POST', ERASE_PATH, { user_id: '@bob:example.org' })
    t.equal(answer.status, 200)
    const events = [message('@bob:example.org', 'late'), message('@al:example.org', 'hi')]
    await send(port, 'PUT', '/_matrix/app/v1/transactions/1', { events })
    t.same(seen, ['@al:example.org'])
  },
)
