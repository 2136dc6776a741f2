// Erasure on a server of node:http. Express, Connect and Polka take the same listener:
// `app.use(eraseListener(erasure))`, before any body parser.
import { createServer, type RequestListener, type Server } from 'node:http'

import type { Erasure } from 'matrix-appservice-erasure'
import { eraseListener } from 'matrix-appservice-erasure/http'

/** Makes a server that answers erasure requests, and hands every other request to the bridge. */
export function createBridgeServer(erasure: Erasure, bridge: RequestListener): Server {
  const answerErase = eraseListener(erasure)
  return createServer((request, response) => {
    answerErase(request, response, () => bridge(request, response))
  })
}
