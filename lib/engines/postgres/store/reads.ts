import type { Database } from '../connection/database.ts'
import { Batches } from '../connection/batches.ts'
import { isBadValue } from '../connection/clean-error.ts'
import { readStatement } from './store-statements.ts'

/** Reads in a statement. */
const MAX_READS = 1000

/** A document as it lies in the database. */
export interface FoundDocument {
  readonly value: string
  /** Not past its time to live, by the database's clock. */
  readonly live: boolean
}

interface Row extends FoundDocument {
  readonly key: string
}

/** Reads documents by key in batches; `undefined` stands for one that is not there. */
export function createReads(
  database: Database,
  schema: string,
): Batches<string, FoundDocument | undefined> {
  const statement = readStatement(schema)
  return new Batches({
    maxTasks: MAX_READS,
    isOneTasks: isBadValue,
    async run(keys) {
      const { rows } = await database.query<Row>(statement, [[...new Set(keys)]])
      const found = new Map(rows.map(row => [row.key, row]))
      return keys.map((key): FoundDocument | undefined => found.get(key))
    },
  })
}
