import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import type { AddressInfo } from 'node:net'

import type { ErasureDoor } from '../../core/erasure-door.ts'
import type { Erasure } from '../../core/erasure.ts'
import { ErasureError } from '../../errors.ts'
import { ACKNOWLEDGED, type Answer, NOT_FOUND } from './answer.ts'
import { Connections } from './connections.ts'
import { endAfter, isBehindLast } from './end-connection.ts'
import { fromNode, splitTarget } from './read-request.ts'
import { sendAnswer } from './send-answer.ts'
import { answerProtocolErrors, NOT_HTTP } from './answer-protocol-errors.ts'
import {
  denyToken,
  ERASE_PATHS,
  methodNotAllowed,
  receiveErase,
} from './receive-erase.ts'
import { type ListenOptions, resolveListenOptions } from './listen-options.ts'

/** A server of our own that is listening. */
export interface EraseServer {
  /** The server's URL, without a slash at the end. */
  readonly url: string
  /** The port it listens on; if you asked for 0, the one that was free. */
  readonly port: number
  /**
   * Accepts no more connections, answers every request that has arrived completely, and resolves
   * when all connections are closed, at the latest after `drainMs`. Every call returns the same
   * promise.
   */
  close(): Promise<void>
}

/** How often to look for connections that are too slow. */
const CHECK_MS = 1000

/** Why a server cannot listen, and what to do. */
const WAYS_OUT: Readonly<Record<string, string>> = {
  EACCES: 'this user has no right to; choose a port above 1023',
  EADDRINUSE: 'another program uses it; stop that program, or choose another port',
  EADDRNOTAVAIL: 'this machine does not have that address; choose another host',
  ENOTFOUND: 'that host is not known; choose another',
}

/**
 * Serves the erase endpoint on a port of its own, for a bridge whose framework has no door. It also
 * answers `ping`, and acknowledges transactions and drops them, as the specification requires of
 * every application service.
 *
 * @throws ErasureError `PORT_UNAVAILABLE`, saying what to do
 * @throws TypeError for an option that is unknown or of the wrong kind
 * @see https://spec.matrix.org/v1.16/application-service-api/
 */
export async function listen(
  erasure: Erasure,
  options: ListenOptions = {},
): Promise<EraseServer> {
  const { port, host, drainMs, ...patience } = resolveListenOptions(options)
  const server = createServer(
    {
      headersTimeout: patience.headersTimeoutMs,
      requestTimeout: patience.requestTimeoutMs,
      connectionsCheckingInterval: CHECK_MS,
      // Node's own answer would have no body; ours is in `createListener`.
      requireHostHeader: false,
    },
    createListener(erasure.door),
  )
  const connections = new Connections(server)
  answerProtocolErrors(server, connections)
  // As if nothing were expected, which RFC 9110 allows; Node's own answer would have no body.
  server.on('checkExpectation', (request, response) => {
    server.emit('request', request, response)
  })
  await bind(server, port, host)
  const address = server.address() as AddressInfo
  const name = address.family === 'IPv6' ? `[${address.address}]` : address.address
  let closed: Promise<void> | undefined
  return {
    url: `http://${name}:${address.port}`,
    port: address.port,
    close: () => (closed ??= connections.close(drainMs)),
  }
}

async function bind(server: Server, port: number, host: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(port, host, resolve)
  try {
    await promise
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code)
    throw new ErasureError(
      'PORT_UNAVAILABLE',
      `Cannot listen on port ${port} of ${host}: ${WAYS_OUT[code] ?? code}`,
      { host, port, cause: error },
    )
  }
  server.off('error', reject)
}

function createListener(door: ErasureDoor): RequestListener {
  return async (request, response) => {
    if (isBehindLast(request, response)) return
    const isHttp = request.headers.host !== undefined || request.httpVersion !== '1.1'
    if (!isHttp) endAfter(request, response)
    const answer = isHttp ? await answerRequest(door, request) : NOT_HTTP
    sendAnswer(request, response, answer)
  }
}

const TRANSACTION = /^\/_matrix\/app\/v1\/transactions\/[^/]+$/

async function answerRequest(
  door: ErasureDoor,
  request: IncomingMessage,
): Promise<Answer> {
  const { path, query } = splitTarget(request.url ?? '')
  if (ERASE_PATHS.includes(path)) return receiveErase(door, fromNode(request, query))
  if (path === '/_matrix/app/v1/ping') return take(door, 'POST', request, query)
  if (TRANSACTION.test(path)) return take(door, 'PUT', request, query)
  return NOT_FOUND
}

/** Acknowledges without reading: a homeserver repeats a transaction until it is acknowledged. */
async function take(
  door: ErasureDoor,
  method: string,
  request: IncomingMessage,
  query: string,
): Promise<Answer> {
  if (request.method !== method) return methodNotAllowed(method)
  const denied = denyToken(door, fromNode(request, query))
  if (denied !== undefined) return denied
  await new Promise(resolve => void request.once('end', resolve).resume())
  return ACKNOWLEDGED
}
