import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import pg from 'pg'

import type { PurgeHandler, VerifyContext } from '../../../lib/purge/handler.ts'
import { monotonic, openJournal, PAUSE_US } from './journal.ts'
import { filesOf, holdOf, userOf } from './people.ts'

/** Items per slice. */
const SLICE = 2
const WORK_MS = 15
const HOLD_MS = 50

/** What a handler does within a call that is noted. */
interface Noted {
  readonly user: number
  /** Takes a while, and throws as soon as the signal has aborted. */
  work(): Promise<void>
  /** Notes that something is removed right now; throws if the signal has aborted. */
  remove<Result>(run: () => Result): Result
}

type Note = <Result>(
  context: VerifyContext,
  run: (noted: Noted) => Promise<Result>,
) => Promise<Result>

/** Notes begin and end of every call in a file. */
export function noteIn(path: string, folder: string): Note {
  const note = openJournal(path)
  let calls = 0
  return async (context, run) => {
    const { signal } = context
    const call = (calls += 1)
    const user = userOf(context.userId)
    const work = async () => {
      do await sleep(WORK_MS + HOLD_MS * Math.random(), undefined, { signal })
      while (existsSync(holdOf(folder, user)))
      await untilUpToDate()
      signal.throwIfAborted()
    }
    const remove = <Result>(remove: () => Result) => {
      signal.throwIfAborted()
      const checked = monotonic()
      const result = remove()
      note({ call, checked, wrote: monotonic() })
      return result
    }
    note({ call, user, begin: monotonic() })
    let how: 'returned' | 'failed' = 'failed'
    try {
      const result = await run({ user, work, remove })
      how = 'returned'
      return result
    } finally {
      note({ call, end: monotonic(), how: signal.aborted ? 'aborted' : how })
    }
  }
}

/**
 * Lets every timer fire that is due. A process that was stopped and goes on finds many due at
 * once, and that which aborts the signal need not be the first.
 */
async function untilUpToDate(): Promise<void> {
  let begun: number
  do {
    begun = monotonic()
    await sleep(1)
    await new Promise(setImmediate)
  } while (monotonic() - begun > PAUSE_US)
}

/** Removes a user's files, a few at a time. */
export function filesHandler(note: Note, folder: string): PurgeHandler<number> {
  return {
    purge: context =>
      note(context, async ({ user, work, remove }) => {
        await work()
        const files = filesOf(folder, user)
        const names = existsSync(files) ? readdirSync(files) : []
        for (const name of names.slice(0, SLICE)) {
          await work()
          remove(() => rmSync(join(files, name), { force: true }))
        }
        const removed = Math.min(names.length, SLICE)
        const done = (context.cursor ?? 0) + removed
        return names.length > SLICE ? { removed, more: done } : { removed }
      }),
    verify: context =>
      note(context, async ({ user, work }) => {
        await work()
        const files = filesOf(folder, user)
        return existsSync(files) ? readdirSync(files).length : 0
      }),
    retry: { attempts: 1000, baseMs: 50, capMs: 1000 },
  }
}

/** Removes a user's rows, a few at a time, over the same connection as the SDK has. */
export function rowsHandler(note: Note, connectionString: string): PurgeHandler<number> {
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: 5000 })
  // Queries reject; a connection that is lost between two says so, and would end the process.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  return {
    purge: context =>
      note(context, async ({ user, work, remove }) => {
        await work()
        const after = context.cursor ?? -1
        const where = 'SELECT item FROM item WHERE usr = $1 AND item > $2 ORDER BY item'
        const text = `DELETE FROM item WHERE usr = $1 AND item IN (${where} LIMIT ${SLICE}) RETURNING item`
        const rows = await remove(() => ask(pool, context.signal, text, [user, after]))
        await work()
        const last = Math.max(...rows.map(({ item }) => item))
        const removed = rows.length
        return removed === SLICE ? { removed, more: last } : { removed }
      }),
    verify: context =>
      note(context, async ({ user, work }) => {
        await work()
        const text = 'SELECT count(*)::int AS item FROM item WHERE usr = $1'
        const [row] = await ask(pool, context.signal, text, [user])
        await work()
        return row?.item ?? Number.NaN
      }),
    after: ['files'],
    retry: { attempts: 1000, baseMs: 50, capMs: 1000 },
  }
}

/** A query that ends with the signal, whatever has become of the connection. */
async function ask(
  pool: pg.Pool,
  signal: AbortSignal,
  text: string,
  values: readonly unknown[],
): Promise<Array<{ item: number }>> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort)
  const connecting = pool.connect()
  let client: pg.PoolClient | undefined
  try {
    client = await Promise.race([connecting, aborted.promise])
    const query = client.query<{ item: number }>(text, [...values])
    // Whoever gave up on it is not there to hear how it ended.
    query.catch(() => {})
    return (await Promise.race([query, aborted.promise])).rows
  } finally {
    signal.removeEventListener('abort', abort)
    if (client === undefined)
      void connecting.then(
        late => late.release(true),
        () => {},
      )
    else client.release(signal.aborted)
  }
}
