import type { Erasure } from '../../core/erasure.ts'
import { isBehindLast } from './end-connection.ts'
import type { EraseListener } from './erase-listener.ts'
import { guardRequest } from './guard-request.ts'
import { splitTarget } from './read-request.ts'
import { isTransaction } from './receive-transaction.ts'

/**
 * Guards the transactions a request brings, and passes everything else to `next`. Returns what `next`
 * returns, or else a promise that resolves once the transaction is answered or passed on.
 */
export type GuardListener = (
  ...args: Required<Parameters<EraseListener>>
) => ReturnType<EraseListener>

/**
 * Makes a listener that keeps late events of erased users away from a bridge, for anything that calls
 * `(req, res, next)`: Express 4 and 5, Connect, Polka, Fastify by @fastify/middie, h3 1 by
 * `fromNodeMiddleware`. Put it behind `eraseListener` and in front of everything else: behind a body
 * parser of Fastify, what it removes is already in Fastify's own request. On a framework for bridges,
 * use `attachErasure`, which does both.
 *
 * A transaction of which nothing is removed goes on byte for byte: the body can be read as if nobody
 * had, and it is in `request.rawBody`; parsed, it is in `request.body`, with the mark `_body` that
 * keeps the parsers of Express 4 and Connect from parsing it again. Of a transaction without the right
 * token, or while the store cannot be read, nothing goes on: docs/protocol.md has the answers.
 *
 * @example
 * ```ts
 * app.use(eraseListener(erasure))
 * app.use(guardListener(erasure))
 * app.use(express.json({ limit: '50mb' }))
 * ```
 */
export function guardListener(erasure: Erasure): GuardListener {
  return (request, response, next) => {
    if (isBehindLast(request, response)) return undefined
    const target = request.url ?? ''
    if (!isTransaction(request.method, target)) return next()
    const { query } = splitTarget(target)
    return guardRequest(erasure.door, request, response, query, next)
  }
}
