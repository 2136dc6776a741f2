import { randomBytes } from 'node:crypto'
import { link, open, stat, unlink } from 'node:fs/promises'
import { platform } from 'node:os'
import { dirname, resolve } from 'node:path'

import { ErasureError, hasSystemCode } from '../errors.ts'
import { makeFolder, syncFolder } from '../host/durable-folder.ts'

/** The length of the key, which is also the whole content of a key file. */
export const KEY_BYTES = 32

/** Others' permission bits. A group may read: container platforms mount secrets as 0440. */
const OTHERS = 0o007

/**
 * Reads the key: 32 bytes, or the path of a file of exactly 32 bytes.
 *
 * @param create - make the file, with mode 0600, if there is none
 * @throws ErasureError `KEY_MISSING` if there is no file and `create` is false, `KEY_EXPOSED` if
 *   others than owner and group may use it, `KEY_INVALID` if it is not 32 bytes
 */
export async function openKey(
  source: string | Uint8Array,
  create: boolean,
): Promise<Uint8Array> {
  if (typeof source !== 'string') return checkLength(source)
  try {
    const key = await readKey(source)
    // The process that made it may have crashed before its name was on disk.
    if (create) syncFolder(dirname(resolve(source)))
    return key
  } catch (error) {
    if (!hasSystemCode(error, 'ENOENT')) throw error
  }
  if (!create) {
    throw new ErasureError(
      'KEY_MISSING',
      `${source}: the key file is missing, but the store was made with one; restore the file ` +
        'from where it is kept apart from the store',
      { file: source },
    )
  }
  await createKey(source)
  return readKey(source)
}

async function readKey(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const { mode } = await file.stat()
    if ((mode & OTHERS) !== 0 && platform() !== 'win32') {
      throw new ErasureError(
        'KEY_EXPOSED',
        `${path}: every user of this machine can use the key; run: chmod 600 ${path}`,
        { file: path },
      )
    }
    return checkLength(await file.readFile(), path)
  } finally {
    await file.close()
  }
}

/** Completely or not at all: a crash must not leave a short file that looks like a key. */
async function createKey(path: string): Promise<void> {
  const directory = dirname(resolve(path))
  makeFolder(directory)
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  const file = await open(temporary, 'wx', 0o600)
  try {
    await file.writeFile(randomBytes(KEY_BYTES))
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await link(temporary, path)
  } catch (error) {
    // Another process made it first: its key is the key.
    await stat(path).catch(() => {
      throw error
    })
  } finally {
    await unlink(temporary)
  }
  syncFolder(directory)
}

function checkLength(key: Uint8Array, file?: string): Uint8Array {
  if (key.byteLength === KEY_BYTES) return key
  throw new ErasureError(
    'KEY_INVALID',
    `${file ?? 'the given key'}: expected ${KEY_BYTES} bytes, found ${key.byteLength}; restore the key, or, if ` +
      'no request was ever accepted with it, delete the file and start again',
    file === undefined ? {} : { file },
  )
}
