import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

import { readApart } from '../../host/read-apart.ts'
import { parseUserId, type UserId } from '../../matrix/user-id.ts'
import type { ResidueForm } from './needles.ts'
import { scanBytes } from './scan-bytes.ts'
import { scanSplitPages } from './split-pages.ts'

/** A place in a file where a user was found. */
export interface Residue {
  /** The file. */
  readonly path: string
  /** The form in which the user was found. */
  readonly form: ResidueForm
  /** The offset in the file; in a compressed stream, the offset at which the stream begins. */
  readonly offset: number
}

/**
 * Searches files for a user ID: as it is written, in another case, escaped for JSON or a URL, with
 * `\u0040`, `\x40` or `&#64;` for the `@`, in base64 at any alignment, in hex, in UTF-16 and in hex of
 * that, by the localpart alone, as matrix-appservice-bridge escapes it, hashed without a salt, in
 * gzip and deflate streams, and split across two pages of a SQLite database.
 *
 * Finding nothing is no evidence on its own: first plant the user and check that they are found. Use
 * a localpart of four characters or more that nothing else contains.
 *
 * Another process reads the files that this process has open, because closing a file ends this
 * process's locks on it.
 *
 * @param paths - files, and folders, which are searched recursively
 * @throws ErasureError `USER_ID_INVALID`
 */
export function findResidue(userId: string, paths: readonly string[]): Residue[] {
  const parsed = parseUserId(userId)
  const files = paths.flatMap(filesIn)
  const read = readApart(files)
  return files.flatMap(path => scanFile(parsed, path, read(path)))
}

function scanFile(userId: UserId, path: string, bytes: Buffer): Residue[] {
  const hits = [...scanBytes(userId, bytes), ...scanSplitPages(userId, bytes)]
  return hits.map(hit => ({ path, ...hit }))
}

function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .toSorted()
}
