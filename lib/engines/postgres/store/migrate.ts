import { ErasureError } from '../../../errors.ts'
import { checkServer } from '../connection/check-server.ts'
import type { Database, RunQuery } from '../connection/database.ts'
import { migrations } from './migrations.ts'

/** First half of the advisory lock; the second is made of the schema's name. "MXer" in ASCII. */
const LOCK = 0x4d586572
/** How long to wait for another process that is migrating. */
const MIGRATION_MS = 60_000

/**
 * Brings the tables in `schema` up to date, and creates the schema if there is none. If several
 * processes come at the same time, one migrates and the others wait.
 *
 * @throws ErasureError `STORE_FOREIGN` if the schema has tables of another program, or was made
 *   by a newer version; `STORE_VOLATILE` if the server may lose what was committed. Nothing is changed.
 */
export async function migrate(database: Database, schema: string): Promise<void> {
  await database.transaction(async query => {
    await checkServer(query, database.location)
    await query('SELECT pg_advisory_xact_lock($1, hashtext($2))', [LOCK, schema])
    const version = await readVersion(query, database.location, schema)
    for (const [index, migration] of migrations.entries()) {
      if (index < version) continue
      await query(migration(schema))
      await query(`INSERT INTO ${schema}.erasure_migration VALUES ($1)`, [index + 1])
    }
  }, MIGRATION_MS)
}

/** The number of the last migration, after making the table that keeps it if need be. */
async function readVersion(
  query: RunQuery,
  location: string,
  schema: string,
): Promise<number> {
  const state = await readState(query, schema)
  // Not IF NOT EXISTS: that takes the right to make schemas even if there is nothing to make.
  if (state === undefined) await query(`CREATE SCHEMA ${schema}`)
  else if (state.tables > 0) return readOurs(query, location, schema, state)
  await query(`CREATE TABLE ${schema}.erasure_migration (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now())`)
  return 0
}

/**
 * Finds the tables in `schema` as this version knows them, and changes nothing.
 *
 * @throws ErasureError `STORE_MISSING` if there are none, `STORE_FOREIGN` if they are another
 *   program's or of another version
 */
export async function checkMigrated(database: Database, schema: string): Promise<void> {
  const { location } = database
  await database.transaction(async query => {
    const state = await readState(query, schema)
    if (state === undefined || state.tables === 0) {
      throw new ErasureError(
        'STORE_MISSING',
        `${location}: there are no tables in a schema ${schema}`,
        { store: location },
      )
    }
    const version = await readOurs(query, location, schema, state)
    if (version < migrations.length) throw foreign(location, schema, OLDER)
  })
}

/** What is in a schema. */
interface SchemaState {
  readonly tables: number
  /** Whether they are those of this package. */
  readonly ours: boolean
}

/** @returns `undefined` if there is no such schema */
async function readState(
  query: RunQuery,
  schema: string,
): Promise<SchemaState | undefined> {
  const { rows } = await query<SchemaState>(
    `SELECT count(pg_class.oid)::int AS tables,
       coalesce(bool_or(relname = 'erasure_migration'), false) AS ours
     FROM pg_namespace LEFT JOIN pg_class ON relnamespace = pg_namespace.oid
     WHERE nspname = $1 GROUP BY pg_namespace.oid`,
    [schema],
  )
  return rows[0]
}

async function readOurs(
  query: RunQuery,
  location: string,
  schema: string,
  { ours }: SchemaState,
): Promise<number> {
  if (!ours) throw foreign(location, schema, FOREIGN)
  const { rows } = await query<{ version: number }>(
    `SELECT coalesce(max(version), 0) AS version FROM ${schema}.erasure_migration`,
  )
  const version = rows[0]?.version ?? 0
  if (version > migrations.length) throw foreign(location, schema, NEWER)
  return version
}

const FOREIGN = 'has tables of another program; give the store a schema of its own'
const NEWER =
  'was made by a newer version of matrix-appservice-erasure; install that version'
const OLDER =
  'was made by an older version of matrix-appservice-erasure; a bridge with this one brings ' +
  'it up to date'

function foreign(location: string, schema: string, what: string): ErasureError {
  return new ErasureError(
    'STORE_FOREIGN',
    `${location}: the schema ${schema} ${what}. Nothing was changed`,
    { store: location },
  )
}
