// Erasure in a Fastify application: npm install fastify
import fastify, { type FastifyInstance } from 'fastify'

import type { Erasure } from 'matrix-appservice-erasure'
import { eraseListener, guardListener } from 'matrix-appservice-erasure/http'

/** Makes a bridge that answers erasure requests, and never sees late events of erased users. */
export function createFastifyBridge(
  erasure: Erasure,
  onTransaction: (transaction: unknown) => void,
): FastifyInstance {
  const erase = eraseListener(erasure)
  const guard = guardListener(erasure)
  return (
    fastify({ bodyLimit: 50 * 1024 * 1024 })
      // Of all hooks the only one in front of Fastify's body parser. @fastify/middie uses it, too:
      // `app.use(eraseListener(erasure))`, `app.use(guardListener(erasure))`.
      .addHook('onRequest', (request, reply, done) => {
        erase(request.raw, reply.raw, () => guard(request.raw, reply.raw, done))
      })
      .put('/_matrix/app/v1/transactions/:txnId', (request, reply) => {
        onTransaction(request.body) // the guard has checked the hs_token
        void reply.send({})
      })
  )
}
