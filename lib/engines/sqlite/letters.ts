import { randomUUID } from 'node:crypto'
import {
  closeSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs'
import { readdir, readFile, realpath, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

import { syncFolder } from '../../host/durable-folder.ts'
import type { StoredDocument } from '../../store/adapter.ts'

const SUFFIX = '.letter-'
/** Of one that is still being written. */
const DRAFT = '.draft-'

/**
 * Leaves a document for the process that has the database open, in a file beside it. Durable when it
 * returns. That process takes it in, now or after its next start.
 *
 * @param path - of the database, which must exist
 */
export function leaveLetter(path: string, { key, value }: StoredDocument): void {
  const real = realpathSync(path)
  const id = randomUUID()
  const draft = real + DRAFT + id
  try {
    writeDraft(draft, JSON.stringify({ key, value }), statSync(real))
    renameSync(draft, real + SUFFIX + id)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  syncFolder(dirname(real))
}

/** For the owner of the database: the operator may be another user of the machine. */
function writeDraft(draft: string, text: string, owner: Stats): void {
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, text)
    if (fstatSync(file).uid !== owner.uid) fchownSync(file, owner.uid, owner.gid)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/**
 * Takes in what others have left beside the database. What is no letter is thrown away; what this
 * process may not read stays.
 *
 * @param path - what the database was called
 */
export async function takeLetters(
  path: string,
  write: (document: StoredDocument) => Promise<unknown>,
): Promise<void> {
  const real = await realpath(path)
  const folder = dirname(real)
  const prefix = basename(real) + SUFFIX
  for (const name of await readdir(folder)) {
    if (!name.startsWith(prefix)) continue
    const file = join(folder, name)
    const text = await readFile(file, 'utf8').catch(() => undefined)
    if (text === undefined) continue
    const document = parseLetter(text)
    if (document !== undefined) await write(document)
    await unlink(file)
  }
}

function parseLetter(text: string): StoredDocument | undefined {
  try {
    const { key, value } = Object(JSON.parse(text)) as Partial<StoredDocument>
    return typeof key === 'string' && typeof value === 'string'
      ? { key, value }
      : undefined
  } catch {
    return undefined
  }
}
