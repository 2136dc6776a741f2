import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import { endAfter } from './end-connection.ts'

/** The connections of a server, and the answers that are due on each. */
export class Connections {
  readonly #server: Server
  readonly #due = new Map<Socket, Set<ServerResponse>>()

  constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.#due.set(socket, new Set())
      socket.once('close', () => this.#due.delete(socket))
    })
    server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
      const due = this.#due.get(socket)
      due?.add(response)
      response.once('close', () => due?.delete(response))
    })
  }

  /** The answers that are due on a connection, in their order. */
  dueOn(socket: Socket): ServerResponse[] {
    return [...(this.#due.get(socket) ?? [])]
  }

  /**
   * Accepts no more connections, and resolves when all are closed. A connection on which no whole
   * request has arrived is closed at once, because there is nothing to answer; any other is closed
   * with its last answer, or after `drainMs` without one.
   */
  async close(drainMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    // Its only possible error, that the server does not listen, is what we want.
    this.#server.close(() => resolve())
    for (const socket of this.#due.keys()) this.#finish(socket)
    const timer = setTimeout(() => this.#server.closeAllConnections(), drainMs)
    await promise
    clearTimeout(timer)
  }

  #finish(socket: Socket): void {
    const due = this.dueOn(socket)
    const last = due.at(-1)
    if (!due.some(({ req, headersSent }) => req.complete || headersSent)) socket.destroy()
    else if (last?.headersSent === false && last.req.complete) endAfter(last.req, last)
    // The headers of answers under way have promised to keep the connection open.
    else last?.once('close', () => this.#server.closeIdleConnections())
  }
}
