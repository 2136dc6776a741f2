import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Erasure } from '../../core/erasure.ts'
import { ErasureError } from '../../errors.ts'
import { isServerName } from '../../matrix/user-id.ts'
import { isBehindLast } from '../http/end-connection.ts'
import { answerErase } from '../http/erase-listener.ts'
import { guardRequest, isTransaction } from '../http/guard-request.ts'
import { splitTarget } from '../http/read-request.ts'
import { ERASE_PATHS } from '../http/receive-erase.ts'

/** The part of an Express application that we use: the function every request goes through. */
export interface ExpressLike {
  /** Answers a request. */
  handle(request: IncomingMessage, response: ServerResponse, ...rest: unknown[]): unknown
}

/** The parts of matrix-appservice-bridge's `Bridge` (version 11) that we use. */
export interface BridgeLike {
  /** The options the bridge was made with. */
  readonly opts: {
    /** The homeserver's name. */
    readonly domain?: string | undefined
  }
  /** Throws before the bridge listens. */
  readonly appService: {
    /** The Express application. */
    readonly expressApp: object
  }
  /** Makes the application, and listens. */
  listen(...given: never[]): Promise<void>
}

/** Marks a bridge that has erasure, also for another copy of this package in the same process. */
const ERASURE = Symbol.for('matrix-appservice-erasure')

/**
 * Attaches erasure to a bridge on matrix-appservice-bridge: the endpoint, on the bridge's own
 * port, and the guard, which removes late events of erased users from every transaction before the
 * framework sees it. So they do not reach its caches, its activity tracker or any listener, either.
 * You may call it before or after `run()` or `listen()`.
 *
 * Both authenticate the homeserver themselves and run before all of the bridge's own middleware: no
 * access log line is written for the endpoint, and no body parser sees it. While the store cannot be
 * read, transactions are answered 503 and each is logged as an error. Nothing is lost: the homeserver
 * sends them again.
 *
 * Close the bridge before the SDK: `await bridge.close(); await erasure.close()`.
 *
 * The SDK takes the homeserver's name from the bridge's `domain`, unless you set `serverName`.
 *
 * @throws ErasureError `ALREADY_ATTACHED` if this bridge has erasure, `BRIDGE_UNSUPPORTED` if it
 *   does not look like a bridge of version 11, `REGISTRATION_INVALID` if an exclusive namespace
 *   contains every user of the bridge's homeserver. `listen()` rejects with `BRIDGE_UNSUPPORTED` if
 *   the bridge turns out to have no Express application
 */
export function attachErasure(bridge: BridgeLike, erasure: Erasure): void {
  if (ERASURE in bridge) {
    throw new ErasureError(
      'ALREADY_ATTACHED',
      'Erasure is already attached to this bridge',
    )
  }
  if (typeof bridge.listen !== 'function' || typeof bridge.opts !== 'object') {
    throw unsupported('listen() or opts is missing')
  }
  const { domain } = bridge.opts
  if (typeof domain === 'string' && isServerName(domain))
    erasure.door.learnServerName(domain)
  Object.defineProperty(bridge, ERASURE, { value: true })
  const { listen } = bridge
  // `listen` makes the application before it first waits, and a bridge may listen again.
  bridge.listen = async (...given) => {
    const listening = listen.apply(bridge, given)
    let isMounted: boolean
    try {
      isMounted = mountIfReady(bridge, erasure)
    } finally {
      await listening
    }
    if (!isMounted) throw unsupported('it listens without an Express application')
  }
  mountIfReady(bridge, erasure)
}

/** Mounts erasure if there is an application. @returns whether there is one */
function mountIfReady(bridge: BridgeLike, erasure: Erasure): boolean {
  let app: object & Partial<ExpressLike>
  try {
    app = bridge.appService.expressApp
  } catch {
    return false
  }
  if (ERASURE in app) return true
  if (typeof app.handle !== 'function')
    throw unsupported('its Express application has no handle()')
  Object.defineProperty(app, ERASURE, { value: true })
  mount(app as ExpressLike, erasure)
  return true
}

/** In front of all of the application: its routes run only after its logger and body parser. */
function mount(app: ExpressLike, erasure: Erasure): void {
  const { handle } = app
  const { door } = erasure
  app.handle = (request, response, ...rest) => {
    if (isBehindLast(request, response)) return undefined
    const { path, query } = splitTarget(request.url ?? '')
    if (ERASE_PATHS.includes(path)) return answerErase(door, request, response, query)
    const next = () => handle.call(app, request, response, ...rest)
    if (!isTransaction(request.method, path)) return next()
    return guardRequest(door, request, response, query, next)
  }
}

function unsupported(what: string): ErasureError {
  return new ErasureError(
    'BRIDGE_UNSUPPORTED',
    `Expected a Bridge of matrix-appservice-bridge 11: ${what}`,
  )
}
