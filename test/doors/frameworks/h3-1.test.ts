import {
  createApp,
  createRouter,
  eventHandler,
  fromNodeMiddleware,
  readBody,
  toNodeListener,
} from 'h3v1'
import t from 'tap'

import { eraseListener } from '../../../lib/doors/http/erase-listener.ts'
import { guardListener } from '../../../lib/doors/http/guard-listener.ts'
import { request, sendRaw, walkAnswers, walkOtherPaths } from '../../support/answers.ts'
import { openVolatileErasure } from '../../support/open-erasure.ts'
import { serveListener } from '../../support/serve-listener.ts'
import { TRANSACTION_PATH, walkGuard } from '../../support/walk-guard.ts'

const bob = '@bob:example.org'

t.test('h3 1: every answer of the table, and the guard', async t => {
  const opened = await openVolatileErasure(t)
  const received: unknown[] = []
  const app = createApp()
  app.use(fromNodeMiddleware(eraseListener(opened.erasure)))
  app.use(fromNodeMiddleware(guardListener(opened.erasure)))
  const router = createRouter({ preemptive: false })
  const take = eventHandler(async event => {
    received.push(await readBody(event))
    return {}
  })
  router.put('/**', take)
  app.use(router)
  app.use(eventHandler(() => 'the rest of the application'))
  const port = await serveListener(t, toNodeListener(app))
  await walkAnswers(t, { port, isOwnServer: false, breakStore: opened.breakStore })
  await walkOtherPaths(t, port, /^the rest of the application$/)
  await walkGuard(t, { ...opened, port, received })
})

t.test('h3 1: what readBody has read before, the listeners find', async t => {
  const { erasure } = await openVolatileErasure(t)
  const received: unknown[] = []
  const app = createApp()
  app.use(eventHandler(async event => void (await readBody(event))))
  app.use(fromNodeMiddleware(eraseListener(erasure)))
  app.use(fromNodeMiddleware(guardListener(erasure)))
  app.use(
    eventHandler(async event => {
      received.push(await readBody(event))
      return {}
    }),
  )
  const port = await serveListener(t, toNodeListener(app))
  t.match(await sendRaw(port, request()), { status: 200, body: '{}' })
  t.ok(await erasure.isErased(bob))
  const twice = request({ body: `{"user_id":"@a:b.c","user_id":"${bob}"}` })
  t.match(await sendRaw(port, twice), { status: 400, body: /more than once/ })
  const body = JSON.stringify({ events: [{ type: 'm.x', sender: bob }] })
  const put = request({ method: 'PUT', path: TRANSACTION_PATH, body })
  t.equal((await sendRaw(port, put))?.status, 200)
  t.same(received, [{ events: [] }], 'and what they remove, it finds no more')
})
