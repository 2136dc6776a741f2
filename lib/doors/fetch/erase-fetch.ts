import type { Erasure } from '../../core/erasure.ts'
import { ERASE_PATHS, receiveErase } from '../http/receive-erase.ts'
import { fromFetch, splitUrl, toResponse } from './from-fetch.ts'

/** Answers a request to one of the endpoint's paths; `undefined` for any other. Never rejects. */
export type EraseFetch = (request: Request) => Promise<Response | undefined>

/**
 * Makes a function that answers MSC2438 erasure requests, for any framework or runtime that knows
 * `Request` and `Response`: Hono, h3 2, Bun, Deno. Call it in front of everything else: it checks the
 * token before it reads any of the body, and reads at most 64 KiB. A `Request` whose body was already
 * read is answered 400 and logged as an error, because nothing of it is left.
 *
 * @example
 * ```ts
 * const erase = eraseFetch(erasure)
 * app.use(async (context, next) => (await erase(context.req.raw)) ?? next()) // Hono
 * ```
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/2438
 */
export function eraseFetch(erasure: Erasure): EraseFetch {
  const { door } = erasure
  return async request => {
    const { path, query } = splitUrl(request)
    if (!ERASE_PATHS.includes(path)) return undefined
    return toResponse(await receiveErase(door, fromFetch(door, request, query)))
  }
}
