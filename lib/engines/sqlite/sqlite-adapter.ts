import type { DatabaseSync } from 'node:sqlite'

import type { Clock } from '../../host/clock.ts'
import type { StoreAdapter } from '../../store/adapter.ts'
import { watchForJumps } from '../../host/clock-jump.ts'
import { Checkpointer } from './checkpoint.ts'
import { DocumentTable, EXPIRY_ROWS } from './document-table.ts'
import { GroupCommit } from './group-commit.ts'
import type { StoreDatabase } from './held-database.ts'

/** How often documents past their time to live are deleted. */
const EXPIRY_MS = 60 * 60 * 1000

/** What an adapter is made of. */
export interface AdapterParts {
  /** What the database was called. */
  readonly path: string
  readonly held: StoreDatabase
  readonly clock: Clock
  /** Then nothing is expired. */
  readonly readOnly: boolean
}

/** An adapter for reading only. */
export function createReader(
  path: string,
  database: DatabaseSync,
  clock: Clock,
): StoreAdapter {
  const held = {
    database,
    ensureHeld() {},
    confirmHeld() {},
    close: () => database.close(),
  }
  return createAdapter({ path, held, clock, readOnly: true })
}

/** The Keyv storage adapter on an open database. */
export function createAdapter({
  path,
  held,
  clock,
  readOnly,
}: AdapterParts): StoreAdapter {
  const documents = new DocumentTable(held, () => clock.now())
  const commits = new GroupCommit(held)
  const checkpoints = new Checkpointer(held, clock)
  const write = async <Result>(run: () => Result): Promise<Result> => {
    const result = await commits.write(run)
    if (documents.takeDeleted()) checkpoints.forgetSoon()
    return result
  }
  let closed = false
  const stopExpiry = readOnly
    ? () => {}
    : expireEvery(EXPIRY_MS, clock, () => write(() => documents.expire()))
  const adapter: StoreAdapter = {
    durable: true,
    location: path,
    opts: { dialect: 'sqlite' },
    on: () => adapter,
    get: async key => documents.get(key) as never,
    has: async key => documents.has(key),
    set: (key, value, ttl) => write(() => documents.set({ key, value, ttl })),
    // Keyv's type says nothing comes back; Keyv itself passes on what does.
    setMany: entries => write(() => entries.map(entry => documents.set(entry))) as never,
    delete: key => write(() => documents.delete(key)),
    deleteMany: keys =>
      write(() => keys.map(key => documents.delete(key)).every(Boolean)),
    writeIf: change => write(() => documents.writeIf(change)),
    clear() {
      return write(() => documents.clear(this.namespace))
    },
    iterator: namespace => documents.iterate(namespace) as never,
    forget: signal => checkpoints.forget(signal),
    async disconnect() {
      if (closed) return
      closed = true
      stopExpiry()
      commits.flush()
      checkpoints.close()
      held.close()
    },
  }
  return adapter
}

/** Keyv hides an expired document, but it would stay on disk until the next read. */
function expireEvery(
  intervalMs: number,
  clock: Clock,
  expireSome: () => Promise<number>,
): () => void {
  let stopped = false
  let cancel = () => {}
  const arm = (delayMs: number) => {
    if (!stopped) cancel = clock.setTimer(() => void expire(), delayMs)
  }
  const hasJumped = watchForJumps(clock)
  const expire = async () => {
    // If the disk is full, the next write reports it; deleting can wait.
    const expired = hasJumped(intervalMs) ? 0 : await expireSome().catch(() => 0)
    arm(expired === EXPIRY_ROWS ? 0 : intervalMs)
  }
  arm(0)
  return () => {
    stopped = true
    cancel()
  }
}
