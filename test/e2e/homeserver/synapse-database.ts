// Where a Synapse of the tests keeps its tables.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'

import pg from 'pg'

import { operatorSql } from '../../support/postgres/operator-sql.ts'

/** A role that a bridge connects as. */
export interface DatabaseReader {
  readonly connectionString: string
  /** Gives it the rights that docs/homeservers.md says, and the trigger, when Synapse has its tables. */
  allow(): Promise<void>
}

/** A database for one Synapse. */
export interface SynapseDatabase {
  /** The section `database` of homeserver.yaml. */
  readonly config: object
  /** A role for a bridge that reads it itself, if that is possible. */
  readonly reader?: DatabaseReader
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
  const role = `erasure_e2e_${randomBytes(8).toString('hex')}`
  const password = randomBytes(8).toString('hex')
  const sql = operatorSql(role, password)
  await execute(server, sql.create)
  const url = new URL(server)
  url.pathname = `/${name}`
  const readerUrl = new URL(url)
  readerUrl.username = role
  readerUrl.password = password
  return {
    config: { name: 'psycopg2', args: { dsn: url.href, cp_min: 2, cp_max: 5 } },
    reader: {
      connectionString: readerUrl.href,
      allow: () => execute(url.href, `${sql.grant} ${sql.trigger}`),
    },
    async drop() {
      await execute(server, `DROP DATABASE ${name} WITH (FORCE)`)
      await execute(server, `DROP ROLE ${role}`)
    },
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
