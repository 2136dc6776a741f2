import { Router } from '@koa/router'

import type { Erasure } from '../../core/erasure.ts'
import { isBehindLast } from '../http/end-connection.ts'
import { answerErase } from '../http/erase-listener.ts'
import { splitTarget } from '../http/read-request.ts'
import { ERASE_PATHS } from '../http/receive-erase.ts'

/**
 * Makes the router that answers MSC2438 erasure requests in a Koa application of yours. Mount it
 * before any body parser: it checks the token before it reads a byte, and reads 64 KiB at most.
 * Behind a parser it takes what that has left (`rawBody`, or else `body`).
 *
 * Under a router of yours with a prefix it answers there. It answers past Koa (`context.respond = false`): the answer is complete when it is sent, and no
 * middleware changes it.
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
    // Koa takes `\` for `/` and drops `#` and what follows, so that other paths come here too.
    if (path !== context.path) return next()
    context.respond = false
    if (isBehindLast(req, res)) return undefined
    const { rawBody, body } = context.request as ParsedBody
    return answerErase(erasure.door, Object.assign(req, { rawBody, body }), res, query)
  })
  return router
}

/** What a body parser leaves on a request of Koa's. */
interface ParsedBody {
  readonly rawBody?: unknown
  readonly body?: unknown
}
