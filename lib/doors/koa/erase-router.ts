import { Router } from '@koa/router'

import type { Erasure } from '../../core/erasure.ts'
import { eraseListener } from '../http/erase-listener.ts'
import { ERASE_PATHS } from '../http/receive.ts'

/**
 * Makes the router that answers MSC2438 erasure requests in a Koa application of yours. Mount it
 * before any body parser: it checks the token before it reads a byte, and reads 64 KiB at most.
 * Behind a parser it takes what that has left (`rawBody`, or else `body`).
 *
 * It answers past Koa (`context.respond = false`): the answer is complete when it is sent, and no
 * middleware changes it.
 *
 * @example
 * ```ts
 * app.use(eraseRouter(erasure).routes())
 * ```
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/2438
 */
export function eraseRouter(erasure: Erasure): Router {
  const answer = eraseListener(erasure)
  const router = new Router({ strict: true, sensitive: true })
  for (const path of ERASE_PATHS) {
    router.all(path, (context, next) => {
      const { rawBody, body } = context.request as ParsedBody
      context.respond = false
      return answer(Object.assign(context.req, { rawBody, body }), context.res, () => {
        // Koa takes `\` for `/` and drops `#` and what follows, so that other paths come here too.
        context.respond = true
        return next()
      })
    })
  }
  return router
}

/** What a body parser leaves on a request of Koa's. */
interface ParsedBody {
  readonly rawBody?: unknown
  readonly body?: unknown
}
