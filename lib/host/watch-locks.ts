import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
} from 'node:fs'

/** Where Linux lists the files this process has open, and the locks it holds on each. */
const DESCRIPTORS = '/proc/self/fd'
const INFOS = '/proc/self/fdinfo'
const LOCK = 'lock:'
/** More bytes than come before a file's first lock. */
const INFO_BYTES = 1024

/** Looks after the locks that this process holds on some files. */
export interface LockWatch {
  /** Whether the system says which locks a process holds: Linux does. */
  readonly isKnown: boolean
  /** Whether there still is a lock on each of the files; true where that is not known. */
  areHeld(): boolean
  close(): void
}

/**
 * Watches the POSIX locks that this process now holds on files. A process loses its locks on a
 * file when anything in it closes the file, no matter which code opened it or why.
 */
export function watchLocks(paths: readonly string[]): LockWatch {
  const infos = paths.map(openInfo).filter(info => info !== undefined)
  const close = () => infos.splice(0).forEach(info => closeSync(info))
  if (infos.length < paths.length) close()
  return {
    isKnown: infos.length > 0,
    areHeld: () => infos.every(hasLock),
    close,
  }
}

/** Kept open: reading it again from the start queries the system again, in a few microseconds. */
function openInfo(path: string): number | undefined {
  try {
    const { dev, ino } = statSync(path)
    for (const descriptor of readdirSync(DESCRIPTORS)) {
      const found = statSync(`${DESCRIPTORS}/${descriptor}`, { throwIfNoEntry: false })
      if (found?.ino !== ino || found.dev !== dev) continue
      const info = `${INFOS}/${descriptor}`
      if (readFileSync(info, 'latin1').includes(LOCK)) return openSync(info, 'r')
    }
  } catch {
    // No such folder, or not for us.
  }
  return undefined
}

function hasLock(info: number): boolean {
  try {
    const text = Buffer.alloc(INFO_BYTES)
    return text.subarray(0, readSync(info, text, 0, INFO_BYTES, 0)).includes(LOCK)
  } catch {
    return false
  }
}
