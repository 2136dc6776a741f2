import { join } from 'node:path'

import { systemClock } from '../host/clock.ts'
import { hasSystemCode } from '../errors.ts'
import { DEFAULT_TARGET_MS } from '../core/options.ts'
import {
  type ErasureStatus,
  type OpenRequestStatus,
  readStatus,
} from '../core/read-status.ts'
import type { StoreAdapter } from '../store/adapter.ts'
import { type ErasureStore, openErasureStore } from '../store/erasure-store.ts'
import { sqliteStore } from '../engines/sqlite/sqlite-store.ts'
import { checkKey } from './check-key.ts'
import { CliError } from './cli-error.ts'
import {
  type Command,
  DATA_OPTION,
  dataDirectoryOf,
  parseCommandLine,
} from './command.ts'

/** Where the application service keeps its files, and where its store is if not among them. */
interface StatusPlace {
  readonly dataDirectory: string
  readonly postgres: PostgresPlace | undefined
}

interface PostgresPlace {
  readonly connectionString: string
  readonly schema: string | undefined
}

/** Reads the store beside the running application service and says how its requests are doing. */
export const status: Command = {
  name: 'status',
  operands: '[request-id]',
  help: [
    ['', 'list the requests that are open, blocked, overdue'],
    ['--json', 'for programs'],
    ['--postgres', 'in the PostgreSQL database that $DATABASE_URL names'],
    ['--schema NAME', 'where in it (matrix_appservice_erasure)'],
  ],
  async run({ args, env }) {
    const { values, positionals } = parseCommandLine(args, 1, {
      ...DATA_OPTION,
      json: { type: 'boolean' },
      postgres: { type: 'boolean' },
      schema: { type: 'string' },
    })
    if (!values.postgres && values.schema !== undefined) {
      throw new CliError('--schema only goes with --postgres')
    }
    const postgres = values.postgres ? postgresOf(values.schema, env) : undefined
    const place = { dataDirectory: dataDirectoryOf(values, env), postgres }
    return describe(positionals[0], place, values.json ?? false)
  },
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

async function describe(
  requestId: string | undefined,
  { dataDirectory, postgres }: StatusPlace,
  json: boolean,
): Promise<string> {
  const adapter =
    postgres === undefined
      ? sqliteStore({ path: join(dataDirectory, 'erasure.db'), readOnly: true })
      : await openPostgres(postgres)
  const store = openErasureStore(adapter, false, systemClock)
  try {
    const keyPath = join(dataDirectory, 'erasure.key')
    await checkKey(store, keyPath, adapter.location ?? 'the store')
    const found = await readStatus(store, systemClock.now(), DEFAULT_TARGET_MS)
    if (requestId !== undefined) return await describeOne(requestId, found, store, json)
    return json ? `${JSON.stringify(found)}\n` : table(found)
  } finally {
    await store.close()
  }
}

async function openPostgres({
  connectionString,
  schema,
}: PostgresPlace): Promise<StoreAdapter> {
  const { openDatabase, postgresStore } = await importPostgres()
  return postgresStore({
    database: openDatabase({ connectionString, maxConnections: 1 }),
    schema,
    readOnly: true,
  })
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

async function describeOne(
  requestId: string,
  { open }: ErasureStatus,
  store: ErasureStore,
  json: boolean,
): Promise<string> {
  const request = open.find(candidate => candidate.requestId === requestId)
  if (request !== undefined) {
    return json ? `${JSON.stringify(request)}\n` : `${lines(request).join('\n')}\n`
  }
  for await (const record of store.records()) {
    if (record.requestId !== requestId) continue
    if (json) return `${JSON.stringify(record)}\n`
    return `${requestId}  ${record.outcome}  ${new Date(record.finishedAt).toISOString()}\n`
  }
  throw new CliError('no request has this id; `status` lists the open ones')
}

function table({ counts, open }: ErasureStatus): string {
  const overdue = open.filter(request => request.overdue).length
  const totals = Object.entries(counts).map(([state, count]) => `${state} ${count}`)
  const head = [totals.join(' · '), `overdue ${overdue}`].join(' · ')
  return `${[head, ...open.flatMap(lines)].join('\n')}\n`
}

function lines(request: OpenRequestStatus): string[] {
  const { requestId, state, receivedAt, dueAt, overdue, handlers } = request
  const due = `${overdue ? 'OVERDUE since' : 'due'} ${dueAt.toISOString()}`
  const line = `${requestId}  ${state.padEnd(9)}  received ${receivedAt.toISOString()}  ${due}`
  const troubled = Object.entries(handlers).filter(([, { code }]) => code !== undefined)
  return [
    line,
    ...troubled.map(([name, handler]) => `  ${name}  ${handler.state}  ${handler.code}`),
  ]
}
