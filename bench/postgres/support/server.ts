import { execFile, execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import pg from 'pg'

import { freePort } from '../../../test/support/free-port.ts'
import {
  copyBinaries,
  giveToServer,
  SERVER_USER,
} from '../../../test/support/postgres/binaries.ts'
import { watch } from '../../../test/support/postgres/watchdog.ts'

/** A PostgreSQL for the benchmark. */
export interface Server {
  /** Whose it is, for the table of the machine. */
  readonly origin: string
  /** Makes an empty database, and says how to connect to it. */
  createDatabase(): Promise<string>
  /** Drops one that `createDatabase` made, whoever is still connected to it. */
  dropDatabase(connectionString: string): Promise<void>
  /** Asks one thing of the server itself. */
  query(text: string): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

/** As PostgreSQL comes, but for these. */
const SETTINGS = [
  ['listen_addresses', '127.0.0.1'],
  ['unix_socket_directories', ''],
  // Four processes with a pool of ten each, and what an engine opens besides.
  ['max_connections', '300'],
].flatMap(([name, value]) => ['-c', `${name}=${value}`])

/** The server that `DATABASE_URL` names, or one of our own whose data lies in `folder`. */
export async function openServer(folder: string): Promise<Server> {
  const { DATABASE_URL } = process.env
  if (DATABASE_URL !== undefined && DATABASE_URL !== '') {
    return useServer(DATABASE_URL, 'DATABASE_URL', async () => {})
  }
  // Root cannot run a server, and who can has to get through to its folder.
  if (SERVER_USER.uid !== undefined) chmodSync(folder, 0o711)
  const home = mkdtempSync(join(folder, 'postgres-'))
  const watchdog = watch(home)
  const programs = copyBinaries(join(home, 'native'))
  giveToServer(home)
  const data = join(home, 'data')
  const options = { ...SERVER_USER, cwd: home }
  const run = (program: string, args: readonly string[]) =>
    promisify(execFile)(join(programs, program), ['-D', data, ...args], options)
  const access = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8']
  await run('initdb', [...access, '--locale=C', ...SETTINGS])
  const port = await freePort()
  const log = join(home, 'log')
  await run('pg_ctl', ['start', '-w', '-l', log, '-o', `-p ${port}`])
  const kill = () => {
    const args = ['stop', '-D', data, '-m', 'immediate']
    execFileSync(join(programs, 'pg_ctl'), args, options)
  }
  // Before the folder is removed, which is done there too.
  process.prependOnceListener('exit', kill)
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  return useServer(url, 'started for this run', async () => {
    process.off('exit', kill)
    await watchdog.end()
  })
}

async function useServer(
  url: string,
  origin: string,
  stop: () => Promise<void>,
): Promise<Server> {
  const admin = new pg.Client({ connectionString: url })
  // The next query says so too.
  admin.on('error', () => {})
  await admin.connect()
  let made = 0
  return {
    origin,
    async createDatabase() {
      made += 1
      const name = `erasure_bench_${process.pid}_${made}`
      await admin.query(`CREATE DATABASE ${name}`)
      const own = new URL(url)
      own.pathname = `/${name}`
      return own.href
    },
    async dropDatabase(connectionString) {
      const name = new URL(connectionString).pathname.slice(1)
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
    },
    query: async text => (await admin.query<Record<string, unknown>>(text)).rows,
    async close() {
      await admin.end()
      await stop()
    },
  }
}
