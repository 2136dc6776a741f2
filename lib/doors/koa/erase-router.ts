import { Router } from '@koa/router'

import type { Erasure } from '../../core/erasure.ts'
import { isBehindLast } from '../http/end-connection.ts'
import { answerErase } from '../http/erase-listener.ts'
import { splitTarget } from '../http/read-request.ts'
import { ERASE_PATHS } from '../http/receive-erase.ts'

/**
 * Makes a router that answers MSC2438 erasure requests in your Koa application. Mount it before any
 * body parser: it checks the token before it reads any of the body, and reads at most 64 KiB. Behind
 * a parser, it takes what the parser left (`rawBody`, or else `body`).
 *
 * Mounted under a router with a prefix, it answers below that prefix. It bypasses Koa's own response
 * (`context.respond = false`): the answer is complete when it is sent, and no middleware changes it.
 *
 * @example
 * ```ts
 * app.use(eraseRouter(erasure).routes())
 * ```
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/2438
 */
export function eraseRouter(erasure: Erasure): Router {
  const router = new Router({ strict: true, sensitive: true })
  router.all([...ERASE_PATHS], (context, next) => {
    const { req, res } = context
    const { path, query } = splitTarget(req.url ?? '')
    // Koa treats `\` as `/` and drops everything from `#`, so other paths reach this route, too.
    if (path !== context.path) return next()
    context.respond = false
    if (isBehindLast(req, res)) return undefined
    const { rawBody, body } = context.request as ParsedBody
    return answerErase(erasure.door, Object.assign(req, { rawBody, body }), res, query)
  })
  return router
}

/** The properties that a body parser sets on Koa's request. */
interface ParsedBody {
  readonly rawBody?: unknown
  readonly body?: unknown
}
