import middie from '@fastify/middie'
import fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'

import { eraseListener } from '../../../lib/doors/http/erase-listener.ts'
import { guardListener } from '../../../lib/doors/http/guard-listener.ts'
import { ERASE_PATHS } from '../../../lib/doors/http/receive-erase.ts'
import {
  ERASE_PATH,
  request,
  sendRaw,
  walkAnswers,
  walkOtherPaths,
} from '../../support/answers.ts'
import { openVolatileErasure } from '../../support/open-erasure.ts'
import { walkGuard } from '../../support/walk-guard.ts'

const bob = '@bob:example.org'
const BODY_LIMIT_BYTES = 50 * 1024 * 1024

async function serve(t: Test, app: FastifyInstance): Promise<number> {
  t.teardown(() => app.close())
  return Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
}

t.test('Fastify by middie: every answer of the table, and the guard', async t => {
  const opened = await openVolatileErasure(t)
  const received: unknown[] = []
  const app = fastify({ bodyLimit: BODY_LIMIT_BYTES, forceCloseConnections: true })
  await app.register(middie)
  void app.use(eraseListener(opened.erasure))
  void app.use(guardListener(opened.erasure))
  void app.put('*', async ({ body }) => {
    received.push(body)
    return {}
  })
  void app.setNotFoundHandler(async () => 'the rest of the application')
  const port = await serve(t, app)
  await walkAnswers(t, { port, isOwnServer: false, breakStore: opened.breakStore })
  await walkOtherPaths(t, port, /^the rest of the application$/)
  await walkGuard(t, { ...opened, port, received })
})

t.test('Fastify behind its body parser: served from what that left', async t => {
  const { erasure } = await openVolatileErasure(t)
  const answer = eraseListener(erasure)
  const app = fastify({ forceCloseConnections: true })
  for (const url of ERASE_PATHS) {
    app.all(url, async ({ raw, body }, reply) => {
      void reply.hijack()
      await answer(Object.assign(raw, { body }), reply.raw)
    })
  }
  const port = await serve(t, app)
  t.match(await sendRaw(port, request()), { status: 200, body: '{}' })
  t.ok(await erasure.isErased(bob))
  const refusals = [
    [{ headers: [] }, 401, /M_MISSING_TOKEN/],
    [{ headers: ['Authorization: Bearer wrong'] }, 403, /M_FORBIDDEN/],
    [{ body: '[]' }, 400, /M_BAD_JSON/],
    [{ body: '{}' }, 400, /M_MISSING_PARAM/],
    [{ body: '{"user_id":"bob"}' }, 400, /M_INVALID_PARAM/],
    [{ method: 'GET', body: '' }, 405, /M_UNRECOGNIZED/],
    [{ body: '{' }, 400, /FST_ERR_CTP_INVALID_JSON_BODY/],
  ] as const
  for (const [sent, status, body] of refusals) {
    t.match(await sendRaw(port, request(sent)), { status, body }, JSON.stringify(sent))
  }
})

t.test('Fastify by middie behind the parser: served from what that left', async t => {
  const { erasure } = await openVolatileErasure(t)
  const app = fastify({ forceCloseConnections: true })
  await app.register(middie, { hook: 'preHandler' })
  void app.use(eraseListener(erasure))
  void app.post(ERASE_PATH, async () => 'never reached')
  const port = await serve(t, app)
  t.match(await sendRaw(port, request()), { status: 200, body: '{}' })
  t.ok(await erasure.isErased(bob))
})
