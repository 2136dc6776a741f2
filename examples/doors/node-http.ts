// Erasure on a server of node:http.
import { createServer, type RequestListener, type Server } from 'node:http'

import type { Erasure } from 'matrix-appservice-erasure'
import { eraseListener, guardListener } from 'matrix-appservice-erasure/http'

/**
 * Makes a server that answers erasure requests and hands every other request to the bridge, without
 * late events of erased users. The bridge reads bodies as before.
 */
export function createBridgeServer(erasure: Erasure, bridge: RequestListener): Server {
  const erase = eraseListener(erasure)
  const guard = guardListener(erasure)
  return createServer((request, response) => {
    erase(request, response, () =>
      guard(request, response, () => bridge(request, response)),
    )
  })
}
