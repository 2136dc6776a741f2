import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Erasure } from '../../core/erasure.ts'
import { ErasureError } from '../../errors.ts'
import { isBehindLast } from '../http/end-connection.ts'
import { answerErase } from '../http/erase-listener.ts'
import { guardRequest } from '../http/guard-request.ts'
import { splitTarget } from '../http/read-request.ts'
import { ERASE_PATHS } from '../http/receive-erase.ts'
import { isTransaction } from '../http/receive-transaction.ts'

/** The part of an Express application that we use: the function every request goes through. */
export interface ExpressLike {
  /** Answers a request. */
  handle(request: IncomingMessage, response: ServerResponse, ...rest: unknown[]): unknown
}

/** Marks what has erasure, also for another copy of this package in the same process. */
export const ERASURE: unique symbol = Symbol.for('matrix-appservice-erasure') as never

/**
 * Puts the endpoint and the guard in front of an Express application. Its routes would run only after
 * its logger and its body parser, and those that are added late not at all.
 *
 * @returns false if it has erasure already
 * @throws ErasureError `BRIDGE_UNSUPPORTED` if it is no Express application
 */
export function mount(app: object, erasure: Erasure): boolean {
  if (ERASURE in app) return false
  if (!isExpress(app)) throw unsupported('its Express application has no handle()')
  Object.defineProperty(app, ERASURE, { value: true })
  const { handle } = app
  const { door } = erasure
  app.handle = (request, response, ...rest) => {
    if (isBehindLast(request, response)) return undefined
    const target = request.url ?? ''
    const { path, query } = splitTarget(target)
    if (ERASE_PATHS.includes(path)) return answerErase(door, request, response, query)
    const next = () => handle.call(app, request, response, ...rest)
    if (!isTransaction(request.method, target)) return next()
    return guardRequest(door, request, response, query, next)
  }
  return true
}

function isExpress(app: object): app is ExpressLike {
  return 'handle' in app && typeof app.handle === 'function'
}

/** Why erasure cannot be attached. */
export function unsupported(what: string): ErasureError {
  return new ErasureError(
    'BRIDGE_UNSUPPORTED',
    'Expected a Bridge of matrix-appservice-bridge 11, an AppService of matrix-appservice 3, ' +
      `or an Appservice of matrix-bot-sdk or @vector-im/matrix-bot-sdk: ${what}`,
  )
}
