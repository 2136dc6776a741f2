import type { Database } from '../connection/database.ts'
import type { DatabaseClock } from '../connection/database-clock.ts'
import { EXPIRY_ROWS, expireStatement } from './store-statements.ts'

/** How often documents past their time to live are deleted. */
const EXPIRY_MS = 60 * 60 * 1000

/**
 * Deletes documents past their time to live, now and every hour, by the database's clock and
 * by the host's. Each process does; they do not wait for one another.
 *
 * @returns a function that stops it, and resolves once nothing is under way
 */
export function expireHourly(
  database: Database,
  schema: string,
  clock: DatabaseClock,
): () => Promise<void> {
  const statement = expireStatement(schema)
  let stopped = false
  let running: Promise<void> = Promise.resolve()
  let cancel = () => {}
  const arm = (delayMs: number) => {
    if (!stopped) cancel = clock.setTimer(() => (running = expire()), delayMs)
  }
  const expire = async () => {
    // If the database cannot be written, the next write reports it; this can wait.
    const answer = database.query(statement, [Math.floor(clock.host.now())])
    const { rowCount } = await answer.catch(() => ({ rowCount: 0 }))
    arm(rowCount === EXPIRY_ROWS ? 0 : EXPIRY_MS)
  }
  arm(0)
  return () => {
    stopped = true
    cancel()
    return running
  }
}
