import { ErasureError } from '../../../errors.ts'
import { sqlStateOf } from './clean-error.ts'
import type { Database, RunQuery } from './database.ts'

/** SQLSTATE insufficient_privilege. */
const FORBIDDEN = '42501'
/** Without either, a crash of the host can lose what was committed, or damage it. */
const DURABLE = ['fsync', 'full_page_writes']

/** @throws ErasureError `STORE_VOLATILE` if a crash of the server may lose what was committed */
export async function checkServer(query: RunQuery, location: string): Promise<void> {
  const { rows } = await query<{ name: string }>(
    'SELECT name FROM unnest($1::text[]) AS name WHERE current_setting(name) <> $2',
    [DURABLE, 'on'],
  )
  const [setting] = rows
  if (setting === undefined) return
  throw new ErasureError(
    'STORE_VOLATILE',
    `${location} runs with ${setting.name} = off: an acknowledged request could be lost, and ` +
      `the database with it; set ${setting.name} = on`,
    { store: location },
  )
}

const UNLOGGED = `
  SELECT relname FROM pg_class
  WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'p') AND relpersistence <> 'p'`

/** The rights we need: to read and write our tables, and to call our functions. */
const DENIED = `
  SELECT privilege || ' on ' || relname AS denied
  FROM pg_class, unnest('{SELECT,INSERT,UPDATE,DELETE}'::text[]) AS privilege
  WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'p')
    AND NOT has_table_privilege(pg_class.oid, privilege)
  UNION ALL
  SELECT 'EXECUTE on ' || proname FROM pg_proc
  WHERE pronamespace = to_regnamespace($1) AND NOT has_function_privilege(oid, 'EXECUTE')`

/**
 * Checks the tables in a schema, even if another program made them.
 *
 * @throws ErasureError `STORE_VOLATILE` if a crash of the server would empty one of them,
 *   `STORE_FORBIDDEN` if our role may not read and write them
 */
export async function checkTables(database: Database, schema: string): Promise<void> {
  const { location } = database
  const [unlogged] = (await database.query<{ relname: string }>(UNLOGGED, [schema])).rows
  if (unlogged !== undefined) {
    const table = `${schema}.${unlogged.relname}`
    throw new ErasureError(
      'STORE_VOLATILE',
      `${location}: the table ${table} is UNLOGGED, so that a crash empties it; ` +
        `ALTER TABLE ${table} SET LOGGED`,
      { store: location },
    )
  }
  const [missing] = (await database.query<{ denied: string }>(DENIED, [schema])).rows
  if (missing !== undefined) throw forbidden(location, schema, missing.denied)
}

/**
 * Runs `task`, which creates or migrates the tables in a schema.
 *
 * @throws ErasureError `STORE_FORBIDDEN` if our role may not
 */
export async function withRights(
  { location }: Database,
  schema: string,
  task: () => Promise<void>,
): Promise<void> {
  try {
    await task()
  } catch (error) {
    if (sqlStateOf(error) !== FORBIDDEN) throw error
    throw forbidden(location, schema, 'to make or to change its tables', error)
  }
}

function forbidden(
  location: string,
  schema: string,
  what: string,
  cause?: unknown,
): ErasureError {
  return new ErasureError(
    'STORE_FORBIDDEN',
    `${location}: in the schema ${schema} our role lacks the right ${what}; let it own that schema, ` +
      'or open the store once as a role that does, and then grant this one USAGE on the schema and ' +
      'SELECT, INSERT, UPDATE, DELETE on all tables in it',
    { store: location, cause },
  )
}
