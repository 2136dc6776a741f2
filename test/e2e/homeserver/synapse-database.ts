// Where a Synapse of the tests keeps its tables.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

import pg from 'pg'

/** A database for one Synapse. */
export interface SynapseDatabase {
  /** The section `database` of homeserver.yaml. */
  readonly config: object
  /** Where another program finds it, if one can connect to it. */
  readonly connectionString?: string
  /** Removes it; its user must have ended. */
  drop(): Promise<void>
}

/** What Synapse runs on without a database server. */
export async function openSqlite(directory: string): Promise<SynapseDatabase> {
  const args = { database: join(directory, 'homeserver.db') }
  return { config: { name: 'sqlite3', args }, drop: async () => {} }
}

/** A database of its own on a PostgreSQL. */
export async function openPostgres(server: string): Promise<SynapseDatabase> {
  const name = `erasure_e2e_${randomBytes(8).toString('hex')}`
  // Synapse refuses every other collation.
  await execute(
    server,
    `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'
       LOCALE_PROVIDER libc LC_COLLATE 'C' LC_CTYPE 'C'`,
  )
  const url = new URL(server)
  url.pathname = `/${name}`
  return {
    config: {
      name: 'psycopg2',
      args: { dsn: url.href, cp_min: 2, cp_max: 5 },
    },
    connectionString: url.href,
    drop: () => execute(server, `DROP DATABASE ${name} WITH (FORCE)`),
  }
}

async function execute(connectionString: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
