import { server as createServer } from '@hapi/hapi'
import t from 'tap'

import { eraseRoutes } from '../../examples/doors/hapi-door.ts'
import { request, sendRaw, walkAnswers } from '../support/answers.ts'
import { openVolatileErasure } from '../support/open-erasure.ts'

t.test('the door of one’s own in examples/ gives every answer of the table', async t => {
  const { erasure, breakStore } = await openVolatileErasure(t)
  const server = createServer({ host: '127.0.0.1', port: 0 })
  server.route(eraseRoutes(erasure))
  server.route({ method: '*', path: '/{rest*}', handler: () => 'the bridge' })
  await server.start()
  t.teardown(() => server.stop({ timeout: 0 }))
  const port = Number(server.info.port)
  await walkAnswers(t, { port, isOwnServer: false, breakStore })
  t.ok(await erasure.isErased('@bob:example.org'))
  t.match(await sendRaw(port, request({ path: '/other' })), { body: 'the bridge' })
})
