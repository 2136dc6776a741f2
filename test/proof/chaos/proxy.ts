import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A line to the database that can be disturbed. */
export interface Proxy {
  readonly port: number
  /** Ends every connection. */
  cut(): void
  /** From now on nothing gets through in either direction, and nobody is told. */
  blackHole(): void
  /** What was held back arrives. */
  resume(): void
  close(): Promise<void>
}

/** Starts a proxy before a port of this machine. */
export async function startProxy(target: number): Promise<Proxy> {
  const sockets = new Set<Socket>()
  /** Those whose other side is gone, and who have not heard of it. */
  const ended = new Set<Socket>()
  let isHole = false
  const server = createServer(near => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true })
    near.setNoDelay(true)
    join(near, far)
    join(far, near)
  })
  const join = (from: Socket, to: Socket) => {
    sockets.add(from)
    from.on('error', () => {})
    from.on('data', chunk => {
      if (!to.write(chunk)) from.pause()
    })
    to.on('drain', () => {
      if (!isHole) from.resume()
    })
    from.on('close', () => {
      sockets.delete(from)
      // In a hole the end of a connection does not get through either.
      if (isHole) ended.add(to)
      else to.destroy()
    })
    if (isHole) from.pause()
  }
  const cut = () => {
    // Not `resetAndDestroy`: after that Node 24 now and then did not come to an end.
    for (const socket of sockets) socket.destroy()
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    blackHole() {
      isHole = true
      for (const socket of sockets) socket.pause()
    },
    resume() {
      isHole = false
      for (const socket of sockets) socket.resume()
      for (const socket of ended) socket.destroy()
      ended.clear()
    },
    async close() {
      isHole = false
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
