import type { IncomingMessage, ServerResponse } from 'node:http'

import type { ErasureDoor } from '../../core/erasure-door.ts'
import type { Erasure } from '../../core/erasure.ts'
import { NOT_FOUND } from './answer.ts'
import { isBehindLast } from './end-connection.ts'
import { fromNode, splitTarget } from './read-request.ts'
import { sendAnswer } from './send-answer.ts'
import { ERASE_PATHS, receiveErase } from './receive-erase.ts'

/**
 * Answers a request to one of {@link ERASE_PATHS}, and hands any other to `next`; without `next`
 * it answers `404`. Returns what `next` returns, or else a promise that never rejects and resolves
 * once the request is answered.
 */
export type EraseListener = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: () => unknown,
) => unknown

/**
 * Makes a listener that answers MSC2438 erasure requests, for whatever calls `(req, res, next?)`:
 * a `node:http` server, Express 4 and 5, Connect, Polka. Put it in front of everything else,
 * above all of body parsers and access logs, at the root or where your registration's `url` leads:
 * it checks the token before it reads a byte, and reads 64 KiB at most. Behind a body parser it
 * takes what that has left in `rawBody`, or else `body`.
 *
 * A request that stands on its connection behind one that was not read to its end is neither
 * answered nor handed on: it may be the inside of a body.
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

/** Answers a request to the endpoint that came over `node:http`. Resolves whatever happens. */
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
  // Node says a moment later that a request without a body is complete.
  sendAnswer(request, response, await Promise.resolve(NOT_FOUND))
}
