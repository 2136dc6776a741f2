// Erasure in an Express application, 4 or 5. Connect takes the same two lines. npm install express
import express, { type Express } from 'express'

import type { Erasure } from 'matrix-appservice-erasure'
import { eraseListener, guardListener } from 'matrix-appservice-erasure/http'

/** Makes a bridge that answers erasure requests, and never sees late events of erased users. */
export function createExpressBridge(
  erasure: Erasure,
  onTransaction: (transaction: unknown) => void,
): Express {
  const app = express()
  // In this order, and in front of all body parsers and access logs.
  app.use(eraseListener(erasure))
  app.use(guardListener(erasure)) // it has checked the hs_token of what it passes on
  app.use(express.json({ limit: '50mb' }))
  app.put('/_matrix/app/v1/transactions/:txnId', (request, response) => {
    onTransaction(request.body)
    response.json({})
  })
  return app
}
