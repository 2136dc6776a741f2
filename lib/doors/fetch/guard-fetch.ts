import type { Erasure } from '../../core/erasure.ts'
import { isTransaction, receiveTransaction } from '../http/receive-transaction.ts'
import { fromFetch, splitUrl, toResponse } from './from-fetch.ts'

/** Takes a request to the one that may go on, or to the answer to it. Never rejects. */
export type GuardFetch = (request: Request) => Promise<Request | Response>

/**
 * Makes a function that keeps late events of erased users away from a bridge, for any framework or
 * runtime that knows `Request` and `Response`: Hono, h3 2, Bun, Deno. Call it behind `eraseFetch` and
 * in front of everything else.
 *
 * A request that brings no transaction is returned as it is. One that does comes back as a new
 * `Request`, byte for byte the same if nothing is removed; what a server has put on the old one
 * besides (`ip`, `runtime`) is not on it. A `Response` is to be sent instead of passing the
 * transaction on: docs/protocol.md has the answers.
 *
 * @example
 * ```ts
 * const guard = guardFetch(erasure)
 * app.use(async (context, next) => { // Hono
 *   const guarded = await guard(context.req.raw)
 *   if (guarded instanceof Response) return guarded
 *   context.req.raw = guarded
 *   return next()
 * })
 * ```
 */
export function guardFetch(erasure: Erasure): GuardFetch {
  const { door } = erasure
  return async request => {
    if (!isTransaction(request.method, request.url)) return request
    const { query } = splitUrl(request)
    const guarded = await receiveTransaction(door, fromFetch(door, request, query))
    if ('status' in guarded) return toResponse(guarded)
    const body = guarded.toBytes()
    const headers = new Headers(request.headers)
    if (headers.has('content-length')) headers.set('content-length', String(body.length))
    // From its parts: what some servers give for a Request cannot be copied as one.
    const { url, method, signal } = request
    return new Request(url, { method, headers, signal, body: new Uint8Array(body) })
  }
}
