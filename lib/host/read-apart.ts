import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { execPath } from 'node:process'

import { hasSystemCode } from '../errors.ts'

const DESCRIPTORS = '/proc/self/fd'
/** Each file as its length in eight bytes, and its bytes. One that is gone is empty. */
const READER = `
  const { readFileSync, writeSync } = require('node:fs')
  for (const path of process.argv.slice(1)) {
    let bytes = Buffer.alloc(0)
    try { bytes = readFileSync(path) } catch (error) { if (error.code !== 'ENOENT') throw error }
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(BigInt(bytes.length))
    for (let rest of [length, bytes]) {
      while (rest.length > 0) {
        try { rest = rest.subarray(writeSync(1, rest)) } catch (error) { if (error.code !== 'EAGAIN') throw error }
      }
    }
  }
`

/**
 * Reads files without ending this process's locks on them: closing a file ends all POSIX locks that
 * the process holds on it, including SQLite's. Files that this process has open are read by another
 * process, at the time of this call.
 *
 * @returns a function that returns the bytes of one of the files; none if it does not exist
 */
export function readApart(paths: readonly string[]): (path: string) => Buffer {
  const open = openFiles()
  const isOpen = (path: string) =>
    open === undefined || open.has(identity(path) ?? 'none')
  const read = readInChild(paths.filter(isOpen))
  return path => read.get(path) ?? readIfThere(path)
}

/** What this process has open, in all its threads; undefined where that is not known. */
function openFiles(): ReadonlySet<string> | undefined {
  try {
    const paths = readdirSync(DESCRIPTORS).map(name => `${DESCRIPTORS}/${name}`)
    return new Set(paths.map(identity).filter(found => found !== undefined))
  } catch {
    return undefined
  }
}

function identity(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false })
  return found && `${found.dev}:${found.ino}`
}

function readInChild(paths: readonly string[]): ReadonlyMap<string, Buffer> {
  const read = new Map<string, Buffer>()
  if (paths.length === 0) return read
  const output = execFileSync(execPath, ['-e', READER, '--', ...paths], {
    env: {},
    maxBuffer: Infinity,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  let at = 0
  for (const path of paths) {
    const end = at + 8 + Number(output.readBigUInt64BE(at))
    read.set(path, output.subarray(at + 8, end))
    at = end
  }
  return read
}

/** Databases make and remove files beside them at any time. */
function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return Buffer.alloc(0)
    throw error
  }
}
