import { sqliteStore } from '../../../lib/engines/sqlite/sqlite-store.ts'
import type { Disk } from './world.ts'

/** A disk that is a real SQLite file; a process that crashes lets go of its lock. */
export function sqliteDisk(path: string): Disk {
  return { open: () => sqliteStore({ path }) }
}
