import type { Database } from '../connection/database.ts'
import type { Statement } from '../connection/session.ts'
import type { ConditionalWrite, StoredDocument } from '../../../store/adapter.ts'
import { Batches } from '../connection/batches.ts'
import { isBadValue, LOCKED, sqlStateOf } from '../connection/clean-error.ts'
import { changeStatement } from './change-statement.ts'
import { lockedStatement, upsertStatement } from './store-statements.ts'

/** Writes in a statement. */
const MAX_WRITES = 1000
/** How often to try a batch that the database rolls back in favour of another. */
const ATTEMPTS = 5
/**
 * How long a batch waits for a document that another process has locked: longer than a commit takes.
 */
const LOCK_MS = 200
/** How long the writes of a document that stays locked wait. */
const PATIENT_LOCK_MS = 3000
/** SQLSTATEs of that: serialization failure and deadlock. Nothing else is sure to be undone. */
const ROLLED_BACK: ReadonlySet<string> = new Set(['40001', '40P01'])

/** Documents to set and delete together, perhaps on a condition. */
export interface Write {
  readonly set: readonly StoredDocument[]
  readonly delete: readonly string[]
  readonly expected?: ConditionalWrite['expected']
}

/** What became of a write. */
export interface WriteAnswer {
  /** Whether its condition held, if it had one. */
  readonly done: boolean
  /** How many of the documents to delete there were. */
  readonly removed: number
}

/** Carries out writes. */
export interface Writes {
  add(write: Write): Promise<WriteAnswer>
  /** Resolves once no write waits or is under way. Never rejects. */
  idle(): Promise<void>
}

/** The result of a write; none yet, if one of its documents is locked. */
type Outcome = WriteAnswer | undefined

/**
 * Carries out writes in batches: all of a batch or nothing.
 *
 * A write that rejects may have been carried out, if its answer was lost with the connection. It is
 * not repeated: a conditional write would find its own result, and any other could undo what another
 * process wrote meanwhile. The caller knows what it wants, so it reads and decides. Only writes that
 * PostgreSQL reports as rolled back are tried again.
 *
 * A write of a document that another process keeps locked soon leaves its batch and waits separately,
 * together with all later writes of that document.
 */
export function createWrites(database: Database, schema: string): Writes {
  const carryOut = createCarryOut(database, schema)
  const lane = (lockMs: number) =>
    new Batches<Write, Outcome>({
      maxTasks: MAX_WRITES,
      keysOf,
      mayShare: isPlain,
      isOneTasks: error => isBadValue(error) || isLocked(error),
      run: batch => carryOut(batch, lockMs),
    })
  const [fast, slow] = [lane(LOCK_MS), lane(PATIENT_LOCK_MS)]
  const waiting: string[][] = []
  const addPatiently = async (write: Write): Promise<WriteAnswer> => {
    const keys = keysOf(write)
    waiting.push(keys)
    try {
      const answer = await slow.add(write)
      if (answer !== undefined) return answer
    } finally {
      waiting.splice(waiting.indexOf(keys), 1)
    }
    throw Object.assign(new Error('Another process keeps a document locked'), {
      code: LOCKED,
    })
  }
  const add = async (write: Write): Promise<WriteAnswer> => {
    const keys = new Set(keysOf(write))
    if (waiting.some(others => others.some(key => keys.has(key))))
      return addPatiently(write)
    const answer = await fast.add(write).catch((error: unknown) => {
      if (isLocked(error)) return undefined
      throw error
    })
    return answer ?? addPatiently(write)
  }
  const pending = new Set<Promise<unknown>>()
  return {
    add(write) {
      const answer = add(write)
      const ended: Promise<unknown> = answer
        .catch(() => {})
        .then(() => pending.delete(ended))
      pending.add(ended)
      return answer
    },
    async idle() {
      while (pending.size > 0) await Promise.all(pending)
    },
  }
}

/** @returns a function that carries out a batch, except the writes of locked documents */
function createCarryOut(database: Database, schema: string) {
  const upsert = upsertStatement(schema)
  const change = changeStatement(schema)
  const locked = lockedStatement(schema)
  const run = async (batch: readonly Write[], lockMs: number): Promise<WriteAnswer[]> => {
    if (batch.every(isPlain)) {
      await execute(database, upsert, [...upsertValues(batch), String(lockMs)])
      return batch.map(() => ({ done: true, removed: 0 }))
    }
    const values = [...changeValues(batch), String(lockMs)]
    return toAnswers(batch, await execute(database, change, values))
  }
  return async (batch: readonly Write[], lockMs: number): Promise<Outcome[]> => {
    try {
      return await run(batch, lockMs)
    } catch (error) {
      if (!isLocked(error)) throw error
      const { rows } = await database.query<{ key: string }>(locked, [
        batch.flatMap(keysOf),
      ])
      const keys = new Set(rows.map(({ key }) => key))
      const free = batch.filter(write => !keysOf(write).some(key => keys.has(key)))
      // Another process may just be creating a document: halving the batch finds out which.
      if (free.length === batch.length) throw error
      const answers = free.length === 0 ? [] : await run(free, lockMs)
      const found = new Map(free.map((write, index) => [write, answers[index]]))
      return batch.map(write => found.get(write))
    }
  }
}

function keysOf(write: Write): string[] {
  return [
    ...write.set.map(({ key }) => key),
    ...write.delete,
    ...(write.expected === undefined ? [] : [write.expected.key]),
  ]
}

function isLocked(error: unknown): boolean {
  return sqlStateOf(error) === LOCKED
}

function isPlain(write: Write): boolean {
  return write.expected === undefined && write.delete.length === 0
}

/** A row of the answer: a write whose condition held, or a document that was deleted. */
interface ChangedRow {
  readonly write: number | null
  readonly key: string | null
}

async function execute(
  database: Database,
  statement: Statement,
  values: readonly unknown[],
): Promise<ChangedRow[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await database.query<ChangedRow>(statement, values)).rows
    } catch (error) {
      if (attempt === ATTEMPTS || !ROLLED_BACK.has(sqlStateOf(error))) throw error
    }
  }
}

/** A document to set, and the number of its write. */
interface Addition extends StoredDocument {
  readonly write: number
}

/**
 * The number of a write, which its rows share; 0 for all writes without a condition.
 */
function numberOf(write: Write, index: number): number {
  return write.expected === undefined ? 0 : index + 1
}

/**
 * Each document once: of two with the same key, the last counts. In the order of keys, in which all
 * processes lock them, so that they do not deadlock.
 */
function additions(batch: readonly Write[]): Addition[] {
  const rows = batch.flatMap((write, index) =>
    write.set.map(document => ({ ...document, write: numberOf(write, index) })),
  )
  const distinct = [...new Map(rows.map(row => [row.key, row])).values()]
  return distinct.toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

/**
 * Whole milliseconds, rounded up, so that a document with less than one still lives. With 0 or less, a
 * document expires at once; one whose expiry no clock can show is kept.
 */
function lifetime(ttl: number | undefined): number | null {
  if (ttl === undefined || ttl > Number.MAX_SAFE_INTEGER) return null
  return Math.ceil(Math.max(ttl, 0))
}

function upsertValues(batch: readonly Write[]): unknown[] {
  const rows = additions(batch)
  return [
    rows.map(({ key }) => key),
    rows.map(({ value }) => value),
    rows.map(({ ttl }) => lifetime(ttl)),
  ]
}

function changeValues(batch: readonly Write[]): unknown[] {
  const deletes = batch.flatMap((write, index) =>
    [...new Set(write.delete)].map(key => ({ key, write: numberOf(write, index) })),
  )
  const conditions = batch.flatMap(({ expected }, index) =>
    expected === undefined ? [] : [{ ...expected, write: index + 1 }],
  )
  return [
    ...upsertValues(batch),
    additions(batch).map(({ write }) => write),
    deletes.map(({ key }) => key),
    deletes.map(({ write }) => write),
    conditions.map(({ key }) => key),
    conditions.map(({ value }) => value ?? null),
    conditions.map(({ write }) => write),
  ]
}

function toAnswers(batch: readonly Write[], rows: readonly ChangedRow[]): WriteAnswer[] {
  const done = new Set(rows.map(({ write }) => write))
  const removed = new Set(rows.map(({ key }) => key))
  return batch.map((write, index) => ({
    done: write.expected === undefined || done.has(index + 1),
    removed: [...new Set(write.delete)].filter(key => removed.has(key)).length,
  }))
}
