// Erasure in a Polka application: npm install polka
import polka, { type Polka } from 'polka'

import type { Erasure } from 'matrix-appservice-erasure'
import { eraseListener, guardListener } from 'matrix-appservice-erasure/http'

/** Makes a bridge that answers erasure requests, and never sees late events of erased users. */
export function createPolkaBridge(
  erasure: Erasure,
  onTransaction: (transaction: unknown) => void,
): Polka {
  const app = polka()
  // In this order, and in front of everything else.
  app.use(eraseListener(erasure))
  app.use(guardListener(erasure)) // it has checked the hs_token of what it passes on
  app.put('/_matrix/app/v1/transactions/:txnId', (request, response) => {
    onTransaction(request.body) // the guard has parsed it
    response.end('{}')
  })
  return app
}
