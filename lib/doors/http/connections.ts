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
   * Takes no more connections, and resolves when all are closed: at once where no whole request
   * has arrived, since nothing can be answered there; elsewhere with the last answer, or after
   * `drainMs` without it.
   */
  async close(drainMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    // What it could complain of, that the server does not listen, is what was asked for.
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
    // Answers under way have promised that the connection stays.
    else last?.once('close', () => this.#server.closeIdleConnections())
  }
}
