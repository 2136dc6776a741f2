import type { Database } from '../connection/database.ts'
import type { Statement } from '../connection/session.ts'
import type { ConditionalWrite, StoredDocument } from '../../../store/adapter.ts'
import { Batches } from '../connection/batches.ts'
import { changeStatement } from './change-statement.ts'
import { upsertStatement } from './store-statements.ts'

/** Writes in a statement. */
const MAX_WRITES = 1000
/** How often a batch is tried that the database has rolled back in favour of another. */
const ATTEMPTS = 5
/** SQLSTATEs of that: serialization failure and deadlock. Nothing else is sure to be undone. */
const ROLLED_BACK: ReadonlySet<unknown> = new Set(['40001', '40P01'])

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

/**
 * Carries out writes in batches: all of a batch or nothing.
 *
 * A write that rejects may have been carried out, if its answer was lost with the connection.
 * It is not sent again for that: a conditional write would find what it has written itself, and
 * any other could undo what a process wrote meanwhile. The caller, who knows what it wants,
 * reads and decides. Only what PostgreSQL says it has rolled back is tried again.
 */
export function createWrites(
  database: Database,
  schema: string,
): Batches<Write, WriteAnswer> {
  const upsert = upsertStatement(schema)
  const change = changeStatement(schema)
  return new Batches({
    maxTasks: MAX_WRITES,
    keysOf: write => [
      ...write.set.map(({ key }) => key),
      ...write.delete,
      ...(write.expected === undefined ? [] : [write.expected.key]),
    ],
    mayShare: isPlain,
    async run(batch) {
      if (batch.every(isPlain)) {
        await execute(database, upsert, upsertValues(batch))
        return batch.map(() => ({ done: true, removed: 0 }))
      }
      return toAnswers(batch, await execute(database, change, changeValues(batch)))
    },
  })
}

function isPlain(write: Write): boolean {
  return write.expected === undefined && write.delete.length === 0
}

/** A row of the answer: a write whose condition held, or a document that was deleted. */
interface Outcome {
  readonly write: number | null
  readonly key: string | null
}

async function execute(
  database: Database,
  statement: Statement,
  values: readonly unknown[],
): Promise<Outcome[]> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return (await database.query<Outcome>(statement, values)).rows
    } catch (error) {
      const { code } = error as { code?: unknown }
      if (attempt === ATTEMPTS || !ROLLED_BACK.has(code)) throw error
    }
  }
}

/** A document to set, and the number of its write. */
interface Addition extends StoredDocument {
  readonly write: number
}

/**
 * Numbers each write, so that its rows share its fate; 0 is the fate of all without condition.
 */
function numberOf(write: Write, index: number): number {
  return write.expected === undefined ? 0 : index + 1
}

/**
 * Each document once: of two with one key the last counts. In the order of keys, in which all
 * processes lock them, so that none waits for another that waits for it.
 */
function additions(batch: readonly Write[]): Addition[] {
  const rows = batch.flatMap((write, index) =>
    write.set.map(document => ({ ...document, write: numberOf(write, index) })),
  )
  const distinct = [...new Map(rows.map(row => [row.key, row])).values()]
  return distinct.toSorted((a, b) => (a.key < b.key ? -1 : 1))
}

function upsertValues(batch: readonly Write[]): unknown[] {
  const rows = additions(batch)
  return [
    rows.map(({ key }) => key),
    rows.map(({ value }) => value),
    rows.map(({ ttl }) => (ttl === undefined ? null : Math.ceil(ttl))),
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

function toAnswers(batch: readonly Write[], outcomes: readonly Outcome[]): WriteAnswer[] {
  const done = new Set(outcomes.map(({ write }) => write))
  const removed = new Set(outcomes.map(({ key }) => key))
  return batch.map((write, index) => ({
    done: write.expected === undefined || done.has(index + 1),
    removed: [...new Set(write.delete)].filter(key => removed.has(key)).length,
  }))
}
