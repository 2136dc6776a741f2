import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How long a connection stays open for what a client still sends, unread. */
const LINGER_MS = 1000

/** The last request of a connection: its answer ends the connection. */
const lastRequests = new WeakMap<Socket, IncomingMessage>()

/** Makes the connection end with the answer to this request. */
export function endAfter(request: IncomingMessage, response: ServerResponse): void {
  response.shouldKeepAlive = false
  lastRequests.set(request.socket, request)
}

/**
 * Whether a request follows the last one of its connection. It must be neither carried out nor
 * answered: it may be the inside of a body.
 *
 * A request that offers another protocol is always the last one: if the offer is not accepted, Node
 * discards the rest of the packet and reads the next packet as a request.
 */
export function isBehindLast(
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const last = lastRequests.get(request.socket)
  if (last !== undefined) return last !== request
  if (request.headers.upgrade !== undefined) endAfter(request, response)
  return false
}

/**
 * Ends a response that is written while its request is still arriving: when the client has sent the
 * rest, or has had time to. Node closes the connection as soon as a last response ends and discards
 * what it has not read: the client would see a reset instead of the answer.
 */
export function endWhenHeardOut(
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const timer = setTimeout(() => response.end(), LINGER_MS)
  request.once('close', () => {
    clearTimeout(timer)
    response.end()
  })
  request.resume()
}

/** Sends the last text of a connection, and destroys it when the client has ended, or had time to. */
export function linger(socket: Socket, last: string): void {
  socket.end(last)
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.once('close', () => clearTimeout(timer))
}
