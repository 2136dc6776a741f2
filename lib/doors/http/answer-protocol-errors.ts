import type { Server } from 'node:http'
import type { Socket } from 'node:net'

import { type Answer, refuse } from './answer.ts'
import type { Connections } from './connections.ts'
import { linger } from './end-connection.ts'
import { sendAnswer } from './send-answer.ts'

const TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT'

/**
 * Answers what is not an HTTP request, or does not arrive in time, with a Matrix error, and closes
 * the connection. If an answer to another request is still due on the connection, it writes nothing:
 * the client would take it for that answer.
 */
export function answerProtocolErrors(server: Server, connections: Connections): void {
  const answered = new WeakSet<Socket>()
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    // The client already has its answer: what it still sends is not a request.
    if (answered.has(socket) && error.code !== 'ECONNRESET') return
    const [response, ...others] = connections.dueOn(socket)
    const isLate = response?.req.complete === false && others.length === 0
    if (isLate && error.code === TIMEOUT) {
      // Its reader still waits for the body.
      sendAnswer(response.req, response, answerTo(TIMEOUT))
      return
    }
    if (!socket.writable || error.code === 'ECONNRESET' || response !== undefined) {
      socket.destroy()
      return
    }
    answered.add(socket)
    linger(socket, toHttp(answerTo(error.code)))
  })
}

function answerTo(code: string | undefined): Answer {
  switch (code) {
    case TIMEOUT:
      return refuse(408, 'M_UNKNOWN', 'The request did not arrive in time')
    case 'HPE_HEADER_OVERFLOW':
      return refuse(431, 'M_TOO_LARGE', 'The request headers are too large')
    default:
      return NOT_HTTP
  }
}

/** For what Node cannot read, and for `HTTP/1.1` without `Host`. */
export const NOT_HTTP: Answer = refuse(400, 'M_UNKNOWN', 'Not an HTTP request')

function toHttp({ status, headers, body }: Answer): string {
  const all = {
    ...headers,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} Error`, ...lines, '', body].join('\r\n')
}
