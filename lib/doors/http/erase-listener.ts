import type { IncomingMessage, ServerResponse } from 'node:http'

import type { ErasureDoor } from '../../core/erasure-door.ts'
import type { Erasure } from '../../core/erasure.ts'
import { NOT_FOUND } from './answer.ts'
import { isBehindLast } from './end-connection.ts'
import { fromNode, splitTarget } from './read-request.ts'
import { sendAnswer } from './send-answer.ts'
import { ERASE_PATHS, receiveErase } from './receive-erase.ts'

/**
 * Answers a request to one of {@link ERASE_PATHS}, and passes any other to `next`; without `next`
 * it answers `404`. Returns what `next` returns, or else a promise that resolves once the request is
 * answered and never rejects.
 */
export type EraseListener = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: () => unknown,
) => unknown

/**
 * Makes a listener that answers MSC2438 erasure requests, for anything that calls
 * `(req, res, next?)`: a `node:http` server, Express 4 and 5, Connect, Polka. Put it in front of
 * everything else, especially body parsers and access logs, at the root or where your registration's
 * `url` leads. It checks the token before it reads any of the body, and reads at most 64 KiB. Behind
 * a body parser, it takes what the parser left in `rawBody`, or else in `body`.
 *
 * A request that follows, on the same connection, one that was not read to its end is neither
 * answered nor passed on: it may be the inside of a body.
 *
 * @example
 * ```ts
 * app.use(eraseListener(erasure)) // Express
 * createServer(eraseListener(erasure)).listen(9009, '127.0.0.1') // alone; `listen` does more
 * ```
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/2438
 */
export function eraseListener(erasure: Erasure): EraseListener {
  return (request, response, next) => {
    if (isBehindLast(request, response)) return undefined
    const { path, query } = splitTarget(request.url ?? '')
    if (ERASE_PATHS.includes(path)) {
      return answerErase(erasure.door, request, response, query)
    }
    return next === undefined ? answerNotFound(request, response) : next()
  }
}

/** Answers a request to the endpoint that came over `node:http`. Never rejects. */
export async function answerErase(
  door: ErasureDoor,
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
): Promise<void> {
  const answer = await receiveErase(door, fromNode(request, query))
  sendAnswer(request, response, answer)
}

async function answerNotFound(
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  // Node reports only a moment later that a request without a body is complete.
  sendAnswer(request, response, await Promise.resolve(NOT_FOUND))
}
