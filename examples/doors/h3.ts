// Erasure in an application of h3 2: npm install h3
// `serve(app, { port: 9009 })` of h3 starts it.
import { H3, readBody } from 'h3'

import type { Erasure } from 'matrix-appservice-erasure'
import { eraseFetch, guardFetch } from 'matrix-appservice-erasure/fetch'

/** Makes a bridge that answers erasure requests, and never sees late events of erased users. */
export function createH3Bridge(
  erasure: Erasure,
  onTransaction: (transaction: unknown) => void,
): H3 {
  const bridge = new H3()
  bridge.put('/_matrix/app/v1/transactions/:txnId', async event => {
    onTransaction(await readBody(event)) // the guard has checked the hs_token
    return {}
  })
  const erase = eraseFetch(erasure)
  const guard = guardFetch(erasure)
  // An application of its own, because h3 replaces no request on its way through one.
  const app = new H3()
  app.all('/**', async ({ req }) => {
    const guarded = (await erase(req)) ?? (await guard(req))
    return guarded instanceof Response ? guarded : bridge.fetch(guarded)
  })
  return app
}
