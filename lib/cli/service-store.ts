import { join } from 'node:path'

import { sqliteStore } from '../engines/sqlite/sqlite-store.ts'
import { hasSystemCode } from '../errors.ts'
import { systemClock } from '../host/clock.ts'
import type { StoreAdapter } from '../store/adapter.ts'
import { type ErasureStore, openErasureStore } from '../store/erasure-store.ts'
import { checkKey } from './check-key.ts'
import { CliError } from './cli-error.ts'
import { dataDirectoryOf } from './command.ts'

/** The options of every command that uses the application service's store. */
export const STORE_OPTIONS = {
  data: { type: 'string' },
  postgres: { type: 'boolean' },
  schema: { type: 'string' },
} as const

/** What `help` says of {@link STORE_OPTIONS}. */
export const STORE_HELP: ReadonlyArray<readonly [string, string]> = [
  ['--postgres', 'in the PostgreSQL database that $DATABASE_URL names'],
  ['--schema NAME', 'where in it (matrix_appservice_erasure)'],
]

/** Where the application service keeps its files, and where its store is if not among them. */
export interface StorePlace {
  readonly dataDirectory: string
  readonly postgres: PostgresPlace | undefined
}

interface PostgresPlace {
  readonly connectionString: string
  readonly schema: string | undefined
}

interface StoreValues {
  readonly data?: string | undefined
  readonly postgres?: boolean | undefined
  readonly schema?: string | undefined
}

/** @throws CliError if options contradict each other, or the database is not named */
export function storePlaceOf(values: StoreValues, env: NodeJS.ProcessEnv): StorePlace {
  if (!values.postgres && values.schema !== undefined) {
    throw new CliError('--schema only goes with --postgres')
  }
  const postgres = values.postgres ? postgresOf(values.schema, env) : undefined
  return { dataDirectory: dataDirectoryOf(values, env), postgres }
}

/** From the environment: other users of the machine can read a command line, password and all. */
function postgresOf(schema: string | undefined, env: NodeJS.ProcessEnv): PostgresPlace {
  const connectionString = env['DATABASE_URL']
  if (!connectionString) {
    throw new CliError(
      '--postgres needs DATABASE_URL=postgres://user:password@host/database',
    )
  }
  return { connectionString, schema }
}

/** Opens the store for reading, also while the application service runs, and closes it again. */
export async function readStore<Answer>(
  place: StorePlace,
  use: (store: ErasureStore) => Promise<Answer>,
): Promise<Answer> {
  const adapter = await openAdapter(place, true)
  return withStore(adapter, async store => {
    const keyPath = join(place.dataDirectory, 'erasure.key')
    await checkKey(store, keyPath, adapter.location ?? 'the store')
    return use(store)
  })
}

/**
 * Opens the store for writing, and closes it again. Makes none where there is none, and migrates
 * nothing.
 *
 * @throws ErasureError `STORE_LOCKED` if it is the embedded store and the application service runs
 */
export async function changeStore<Answer>(
  place: StorePlace,
  use: (store: ErasureStore) => Promise<Answer>,
): Promise<Answer> {
  // Only to find out whether it is there, ours, and made with this key.
  await readStore(place, async () => {})
  return withStore(await openAdapter(place, false), use)
}

async function withStore<Answer>(
  adapter: StoreAdapter,
  use: (store: ErasureStore) => Promise<Answer>,
): Promise<Answer> {
  const store = openErasureStore(adapter, false, systemClock)
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

async function openAdapter(
  { dataDirectory, postgres }: StorePlace,
  readOnly: boolean,
): Promise<StoreAdapter> {
  if (postgres === undefined) {
    return sqliteStore({ path: join(dataDirectory, 'erasure.db'), readOnly })
  }
  const { connectionString, schema } = postgres
  const { openDatabase, postgresStore } = await importPostgres()
  const database = openDatabase({ connectionString, maxConnections: 1 })
  return postgresStore({ database, schema, readOnly })
}

/** Imported only when needed: the package pg may not be installed. */
async function importPostgres() {
  try {
    return {
      ...(await import('../engines/postgres/connection/database.ts')),
      ...(await import('../engines/postgres/store/postgres-store.ts')),
    }
  } catch (error) {
    if (!hasSystemCode(error, 'ERR_MODULE_NOT_FOUND')) throw error
    throw new CliError('--postgres needs the package pg: npm install pg')
  }
}
