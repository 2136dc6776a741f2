import { existsSync, statfsSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname } from 'node:path'

import { SERVER_USER } from './binaries.ts'

const MEMORY = '/dev/shm'
/** A server with a database for each of many tests. */
const ROOM_BYTES = 2 * 1024 ** 3

/** A folder in memory, where a sync takes no time, if there is one with room enough. */
export function memoryFolder(): string {
  if (!existsSync(MEMORY) || !isOpenToAll(MEMORY)) return serverTmpdir()
  const { bavail, bsize } = statfsSync(MEMORY)
  return bavail * bsize > ROOM_BYTES ? MEMORY : serverTmpdir()
}

/** The temporary folder, or else one that the user of the server can get to. */
export function serverTmpdir(): string {
  const own = tmpdir()
  if (SERVER_USER.uid === undefined || !existsSync(own)) return own
  return [own, '/tmp', '/var/tmp'].find(isOpenToAll) ?? own
}

/** Whether everybody may pass through a folder and those it is in. */
function isOpenToAll(folder: string): boolean {
  if ((statSync(folder).mode & 0o001) === 0) return false
  return dirname(folder) === folder || isOpenToAll(dirname(folder))
}
