import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:net'

/** A name that no other process of this machine can hold meanwhile. */
export interface HeldName {
  /** Lets go of the name, at once. */
  release(): void
}

/**
 * Holds a name until `release`, or until the process ends, however it ends.
 *
 * It is a socket in Linux's abstract namespace, which has no file. Unlike a lock on a file, it does
 * not depend on what this process opens and closes; unlike a file with a process ID in it, it cannot
 * be left over. It works only within a network namespace, not from one container to another. On other
 * systems, and where sockets are forbidden, it holds nothing.
 *
 * @returns undefined if the name is taken, by another process or a thread of this one
 */
export function holdName(name: string): HeldName | undefined {
  const server = listen(name)
  if (server !== undefined) return { release: () => void server.close() }
  // Node says only later why it could not listen. If another name fails, too, it is not the name.
  const probe = listen(randomUUID())
  probe?.close()
  return probe === undefined ? { release() {} } : undefined
}

/** Listens, and closes every connection: no client has a reason to connect. */
function listen(name: string): Server | undefined {
  const server = createServer(socket => socket.destroy())
  server.on('error', () => {})
  server.unref()
  // Exclusive: in a cluster the primary process would listen for all its workers.
  server.listen({ path: `\0matrix-appservice-erasure/${name}`, exclusive: true })
  return server.listening ? server : undefined
}
