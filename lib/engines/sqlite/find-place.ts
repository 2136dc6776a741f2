import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'

import { ErasureError } from '../../errors.ts'
import { makeFolder } from '../../host/durable-folder.ts'
import { networkFileSystemOf, readMounts } from '../../host/network-file-system.ts'

/** For us only. SQLite gives its -wal and -shm files the mode of the database. */
const MODE = 0o600

/** Where a database is, whatever it was called. */
export interface Place {
  /** Absolute, without symbolic links: SQLite names the files beside it after it. */
  readonly path: string
  /** The file itself, by which other names of it are known: device and inode. */
  readonly file: string
}

/**
 * Finds the file that `path` leads to, making it if there is none.
 *
 * Here as everywhere in this folder, no file of a database is opened but by SQLite: see the
 * locks in CONTRIBUTING.md. The one exception is a file that was not there before.
 *
 * @param networkOf - what a network file system calls itself, if the folder is on one
 * @throws ErasureError `STORE_UNSAFE` if it is, and that is not allowed; `STORE_UNWRITABLE` if the
 *   path leads to a folder
 */
export function findPlace(
  path: string,
  allowNetworkFileSystem: boolean,
  networkOf: (folder: string) => string | undefined = networkFileSystemOf,
): Place {
  const folder = dirname(resolve(path))
  // SQLite syncs the folder that the database is in, and none above it.
  if (!existsSync(path)) makeFolder(folder)
  const real = existsSync(path) ? realpathSync(path) : path
  const network = networkOf(dirname(resolve(real)))
  if (network !== undefined && !allowNetworkFileSystem) {
    throw unsafe(
      path,
      `this is on a network file system (${network}), on which SQLite loses data; put it on a ` +
        'local disk, or use PostgreSQL',
    )
  }
  if (existsSync(real) && statSync(real).isDirectory()) {
    throw new ErasureError(
      'STORE_UNWRITABLE',
      `${path}: this is a folder; name a file in it`,
      { store: path },
    )
  }
  makePrivateFile(path)
  const found = realpathSync(path)
  return { path: found, file: fileAt(found) ?? 'none' }
}

/** Device and inode of what is at a path; undefined if there is nothing. */
export function fileAt(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && `${found.dev}:${found.ino}`
}

/** Makes the file if there is none; a file that is there is not opened. */
export function makePrivateFile(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', MODE))
  if ((statSync(path).mode & 0o777) !== MODE) chmodSync(path, MODE)
}

/**
 * Refuses a file that has a second name, since under each SQLite would look for another log.
 *
 * @throws ErasureError `STORE_UNSAFE`
 */
export function refuseSecondNames({ path }: Place): void {
  if (statSync(path).nlink > 1) {
    throw unsafe(
      path,
      'the file has another name, a hard link, under which SQLite would not find the -wal file; ' +
        'remove the other name, or copy the file with `matrix-appservice-erasure backup`',
    )
  }
  if (readMounts().some(({ point }) => point === path)) {
    throw unsafe(
      path,
      'the file is mounted by itself, so that its -wal file would be somewhere else; mount its folder',
    )
  }
}

function unsafe(path: string, what: string): Error {
  return new ErasureError('STORE_UNSAFE', `${path}: ${what}. Nothing was changed`, {
    store: path,
  })
}
