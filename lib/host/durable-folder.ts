import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'

import { hasSystemCode } from '../errors.ts'

/** Only for the user of this process. */
const MODE = 0o700

/**
 * Makes a folder, and those above it, so that they survive a power cut. Synced files are lost together
 * with their folder, and a folder's name is on disk only once the folder above is synced.
 *
 * Also syncs a folder that exists already: the process that made it may have crashed before syncing.
 *
 * @param path - absolute
 */
export function makeFolder(path: string): void {
  const above = dirname(path)
  if (above === path) return
  if (!existsSync(path)) {
    makeFolder(above)
    makeOne(path)
  }
  syncFolder(above)
}

/** Not by `recursive`, which never returns where no folder can be made, as in /proc. */
function makeOne(path: string): void {
  try {
    mkdirSync(path, { mode: MODE })
  } catch (error) {
    // Another process was faster.
    if (!hasSystemCode(error, 'EEXIST')) throw error
  }
}

/** Returns when the names in a folder are on disk. */
export function syncFolder(path: string): void {
  let folder: number | undefined
  try {
    folder = openSync(path, 'r')
    fsyncSync(folder)
  } catch (error) {
    if (!isUnable(error)) throw error
  } finally {
    if (folder !== undefined) closeSync(folder)
  }
}

/**
 * A folder that we may use but not read (EACCES), a file system without this call (EINVAL), or Windows
 * (EPERM): nothing more can be done there, and SQLite continues as well.
 */
function isUnable(error: unknown): boolean {
  return hasSystemCode(error, 'EACCES', 'EPERM', 'EINVAL')
}
