import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'

import { Router, type RouterContext } from '@koa/router'
import Koa from 'koa'

import type { Erasure } from '../../core/erasure.ts'
import { ACKNOWLEDGED, type Answer, refuse } from '../http/answer.ts'
import { endAfter, isBehindLast } from '../http/ending.ts'
import { fromNode, sendAnswer, splitTarget } from '../http/node.ts'
import { answerProtocolErrors } from '../http/protocol-error.ts'
import {
  denyToken,
  ERASE_PATHS,
  methodNotAllowed,
  receiveErase,
} from '../http/receive.ts'
import { fromKoa, respond } from './context.ts'

/**
 * Makes the router that answers MSC2438 erasure requests in a Koa application of yours. Mount it
 * before any body parser: it checks the token before it reads a byte, and reads 64 KiB at most.
 * Behind a parser it takes what that has left (`rawBody`, or else `body`).
 *
 * @example
 * ```ts
 * app.use(eraseRouter(erasure).routes())
 * ```
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/2438
 */
export function eraseRouter(erasure: Erasure): Router {
  const router = new Router({ strict: true, sensitive: true })
  for (const path of ERASE_PATHS) {
    router.all(path, async (context, next) => {
      // Koa takes `\` for `/` and drops `#` and what follows, so that other paths come here too.
      if (splitTarget(context.req.url ?? '').path !== context.path) return next()
      if (isBehindLast(context.req, context.res)) {
        context.respond = false
        return
      }
      respond(context, await receiveErase(erasure, fromKoa(context)))
    })
  }
  return router
}

/** Where the server listens, and how patient it is. */
export interface ListenOptions {
  /** Default: 9009. 0: any free port. */
  readonly port?: number
  /** Default: 127.0.0.1, since the homeserver is usually on the same machine. */
  readonly host?: string
  /**
   * How long a client may take to send a request's headers. Default: 10,000 ms. Too low: slow
   * networks are cut off. Too high: connections that send nothing pile up.
   */
  readonly headersTimeoutMs?: number
  /** How long a client may take to send a whole request. Default: 30,000 ms. */
  readonly requestTimeoutMs?: number
}

/** A server of our own that is listening. */
export interface EraseServer {
  /** Without a slash at the end. */
  readonly url: string
  /** The port it listens on, also where 0 was asked for. */
  readonly port: number
  /** Takes no more connections, answers what has arrived, and resolves when all are closed. */
  close(): Promise<void>
}

/** How often connections are looked at for having been too slow. */
const CHECK_MS = 1000

/**
 * Serves the erase endpoint on a port of its own, for a bridge whose framework has no door yet.
 * As the specification wants of any application service, it also answers `ping`, and takes and
 * drops transactions.
 *
 * @see https://spec.matrix.org/v1.16/application-service-api/
 */
export async function listen(
  erasure: Erasure,
  options: ListenOptions = {},
): Promise<EraseServer> {
  const { port = 9009, host = '127.0.0.1' } = options
  const { headersTimeoutMs = 10_000, requestTimeoutMs = 30_000 } = options
  const server = createServer(
    {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: CHECK_MS,
      // Node's own answer would have no body; ours is in `strictly`.
      requireHostHeader: false,
    },
    strictly(createApp(erasure).callback()),
  )
  answerProtocolErrors(server)
  // As if nothing were expected, which RFC 9110 allows; Node's own answer would have no body.
  server.on('checkExpectation', (request, response) => {
    server.emit('request', request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const address = server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return {
    url: `http://${name}:${address.port}`,
    port: address.port,
    close: () => closeServer(server),
  }
}

/** No `//`, `#`, `\` or anything but ASCII: over those Koa's parser of targets goes astray. */
const PLAIN_PATH = /^\/(?!\/)[!-"$-[\]-~]*$/

/**
 * Keeps from Koa what it does not take as it stands: it reads other paths as ours, answers some
 * targets with `500`, and has Node print others, with all that is in them.
 */
function strictly(listener: RequestListener): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    if (isBehindLast(request, response)) return
    if (request.headers.host === undefined && request.httpVersion === '1.1') {
      endAfter(request, response)
      sendAnswer(request, response, refuse(400, 'M_UNKNOWN', 'Not an HTTP request'))
      return
    }
    const { path, query } = splitTarget(request.url ?? '')
    request.url = PLAIN_PATH.test(path) ? `${path}?${query}` : '/'
    listener(request, response)
  }
}

function createApp(erasure: Erasure): Koa {
  const app = new Koa()
  const router = eraseRouter(erasure)
  router.all('/_matrix/app/v1/ping', context => {
    respond(context, authenticate(erasure, context, 'POST'))
  })
  router.all('/_matrix/app/v1/transactions/:txnId', context => {
    respond(context, authenticate(erasure, context, 'PUT'))
    // Not ours to read, but to take: a homeserver sends the same transaction until it is.
    context.req.resume()
  })
  app.use(router.routes())
  app.use(context => {
    respond(
      context as RouterContext,
      refuse(404, 'M_UNRECOGNIZED', 'Unrecognized request'),
    )
  })
  // Koa prints errors on its own; a broken connection is not worth a line, and nothing else throws.
  app.on('error', () => erasure.logger.debug('A connection broke while it was answered'))
  return app
}

function authenticate(erasure: Erasure, context: RouterContext, method: string): Answer {
  if (context.method !== method) return methodNotAllowed(method)
  return denyToken(erasure, fromNode(context.req)) ?? ACKNOWLEDGED
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.close(error => (error === undefined ? resolve() : reject(error)))
  })
}
