// Erasure in a Hono application: npm install hono @hono/node-server
// `serve({ fetch: app.fetch, port: 9009 })` of @hono/node-server starts it; Bun and Deno need no server.
import { Hono } from 'hono'

import type { Erasure } from 'matrix-appservice-erasure'
import { eraseFetch, guardFetch } from 'matrix-appservice-erasure/fetch'

/** Makes a bridge that answers erasure requests, and never sees late events of erased users. */
export function createHonoBridge(
  erasure: Erasure,
  onTransaction: (transaction: unknown) => void,
): Hono {
  const erase = eraseFetch(erasure)
  const guard = guardFetch(erasure)
  const app = new Hono()
  // In front of everything that reads bodies or logs requests.
  app.use(async (context, next) => {
    const { req } = context
    const guarded = (await erase(req.raw)) ?? (await guard(req.raw))
    if (guarded instanceof Response) return guarded
    req.raw = guarded
    return next()
  })
  app.put('/_matrix/app/v1/transactions/:txnId', async context => {
    onTransaction(await context.req.json()) // the guard has checked the hs_token
    return context.json({})
  })
  return app
}
