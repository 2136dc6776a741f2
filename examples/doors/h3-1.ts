// Erasure in an application of h3 1: npm install h3@1
// In this repository h3 1 is called `h3v1`; in yours it is `h3`.
import {
  type App,
  createApp,
  createRouter,
  eventHandler,
  fromNodeMiddleware,
  readBody,
} from 'h3v1'

import type { Erasure } from 'matrix-appservice-erasure'
import { eraseListener, guardListener } from 'matrix-appservice-erasure/http'

/** Makes a bridge that answers erasure requests, and never sees late events of erased users. */
export function createH3Bridge(
  erasure: Erasure,
  onTransaction: (transaction: unknown) => void,
): App {
  const app = createApp()
  // In this order, and in front of everything else.
  app.use(fromNodeMiddleware(eraseListener(erasure)))
  app.use(fromNodeMiddleware(guardListener(erasure)))
  const router = createRouter()
  const onPut = eventHandler(async event => {
    onTransaction(await readBody(event)) // the guard has checked the hs_token
    return {}
  })
  router.put('/_matrix/app/v1/transactions/:txnId', onPut)
  app.use(router)
  return app
}
