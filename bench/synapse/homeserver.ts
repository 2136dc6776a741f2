import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import pg from 'pg'
import { parse } from 'yaml'

import { createRegistration } from '../../lib/registration/registration-file.ts'
import { type Client, createClient } from '../../test/e2e/homeserver/client.ts'
import { SERVER_NAME } from '../../test/e2e/homeserver/synapse-config.ts'
import { openPostgres, openSqlite } from '../../test/e2e/homeserver/synapse-database.ts'
import { createSynapse } from '../../test/e2e/homeserver/synapse.ts'
import { freePort } from '../../test/support/free-port.ts'
import type { Server } from '../postgres/support/server.ts'
import { plantStatements } from './plant.ts'

/** A real Synapse at which one application service is registered, whose bot is an admin. */
export interface Homeserver {
  readonly engine: 'SQLite' | 'PostgreSQL'
  readonly url: string
  /** Of the application service. */
  readonly registration: string
  readonly port: number
  readonly asToken: string
  /** Of Synapse's database, by a role that may read two tables, if it is PostgreSQL. */
  readonly connectionString: string | undefined
  /** A room that the bot is in. */
  readonly room: string
  readonly admin: Client
  /** Registers a user. */
  register(localpart: string): Promise<Client>
  /** Gives that role its rights, and creates the trigger. */
  allowReader(): Promise<void>
  /** Fills the database with accounts. */
  plant(count: number): Promise<void>
  close(): Promise<void>
}

/** Starts one whose files lie in `folder`, and whose tables lie there or on `server`. */
export async function openHomeserver(
  python: string,
  folder: string,
  server: Server | undefined,
): Promise<Homeserver> {
  const directory = mkdtempSync(join(folder, 'synapse-'))
  mkdirSync(join(directory, 'synapse'))
  const port = await freePort()
  const registration = join(directory, 'registration.yaml')
  const userRegex = String.raw`@_bench_.*:hs\.test`
  const url = `http://127.0.0.1:${port}`
  writeFileSync(registration, createRegistration({ id: 'bench', url, userRegex }))
  const parsed = parse(readFileSync(registration, 'utf8')) as Record<string, string>
  const { as_token: asToken = '', sender_localpart: bot = '' } = parsed
  const files = join(directory, 'synapse')
  const database =
    server === undefined ? await openSqlite(files) : await openPostgres(server.url)
  const synapse = await createSynapse(python, {
    directory: files,
    registrations: [registration],
    database: database.config,
  })
  await synapse.start()
  const register = async (localpart: string, admin = false) => {
    const token = await synapse.register(localpart, `password-of-${localpart}`, admin)
    return createClient(synapse.url, `@${localpart}:${SERVER_NAME}`, token)
  }
  const admin = await register('administrator', true)
  const botClient = createClient(synapse.url, `@${bot}:${SERVER_NAME}`, asToken)
  const type = 'm.login.application_service'
  await botClient.call('POST', '/_matrix/client/v3/register', { type, username: bot })
  const path = `/_synapse/admin/v1/users/${encodeURIComponent(botClient.userId)}/admin`
  await admin.call('PUT', path, { admin: true })
  const created = await botClient.call('POST', '/_matrix/client/v3/createRoom', {
    preset: 'public_chat',
  })
  return {
    ...{ engine: server === undefined ? 'SQLite' : 'PostgreSQL', url: synapse.url },
    ...{ registration, port, asToken, admin, room: String(created['room_id']) },
    connectionString: database.reader?.connectionString,
    register: localpart => register(localpart),
    allowReader: async () => database.reader?.allow(),
    async plant(count) {
      // SQLite has one writer.
      await synapse.close()
      if (server === undefined) plantSqlite(join(files, 'homeserver.db'), count)
      else await plantPostgres(database.config as PostgresConfig, count)
      await synapse.start()
    },
    async close() {
      await synapse.close()
      await database.drop()
    },
  }
}

function plantSqlite(path: string, count: number): void {
  const database = new DatabaseSync(path)
  database.exec(`BEGIN; ${plantStatements('SQLite', count)}; COMMIT; ANALYZE`)
  database.close()
}

/** The section `database` of homeserver.yaml. */
interface PostgresConfig {
  readonly args: { readonly dsn: string }
}

async function plantPostgres({ args }: PostgresConfig, count: number): Promise<void> {
  const client = new pg.Client({ connectionString: args.dsn })
  await client.connect()
  await client.query(plantStatements('PostgreSQL', count))
  await client.query('ANALYZE')
  await client.end()
}
