// Erasure in a Koa application: npm install koa @koa/router
import Koa, { type Middleware } from 'koa'

import type { Erasure } from 'matrix-appservice-erasure'
import { eraseRouter } from 'matrix-appservice-erasure/koa'

/** Makes an application that answers erasure requests, and leaves all others to the bridge. */
export function createBridgeApp(erasure: Erasure, bridge: Middleware): Koa {
  const app = new Koa()
  // Before any body parser: the token is checked before a byte of the body is read.
  app.use(eraseRouter(erasure).routes())
  app.use(bridge)
  return app
}
