import type { Middleware } from 'koa'

import type { Erasure } from '../../core/erasure.ts'
import { isBehindLast } from '../http/end-connection.ts'
import { guardRequest } from '../http/guard-request.ts'
import { splitTarget } from '../http/read-request.ts'
import { isTransaction } from '../http/receive-transaction.ts'

/**
 * Makes a middleware that keeps late events of erased users away from a bridge on Koa. Use it behind
 * `eraseRouter` and in front of everything else. It leaves the parsed transaction in
 * `context.request.body`, where body parsers leave it, and the body itself can be read as if nobody
 * had. Behind a parser it replaces what that left.
 *
 * Of a transaction without the right token, or while the store cannot be read, nothing goes on:
 * docs/protocol.md has the answers.
 *
 * @example
 * ```ts
 * app.use(eraseRouter(erasure).routes())
 * app.use(guardMiddleware(erasure))
 * app.use(bodyParser())
 * ```
 */
export function guardMiddleware(erasure: Erasure): Middleware {
  return async (context, next) => {
    const { req, res } = context
    const request = context.request as { body?: unknown; rawBody?: unknown }
    if (isBehindLast(req, res)) {
      context.respond = false
      return
    }
    const target = req.url ?? ''
    if (!isTransaction(req.method, target)) {
      await next()
      return
    }
    const left = Object.assign(req, { body: request.body, rawBody: request.rawBody })
    let mayGoOn = false
    await guardRequest(erasure.door, req, res, splitTarget(target).query, () => {
      mayGoOn = true
    })
    context.respond = mayGoOn
    if (!mayGoOn) return
    const { body, rawBody } = left
    request.body = body
    // Koa's parsers leave it as text.
    request.rawBody = Buffer.isBuffer(rawBody) ? rawBody.toString() : rawBody
    await next()
  }
}
