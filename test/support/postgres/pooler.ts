import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'

import type { Test } from 'tap'

import { freePort } from '../free-port.ts'
import { until } from '../until.ts'
import { giveToServer, SERVER_USER } from './binaries.ts'
import { serverTmpdir } from './server-folder.ts'

const run = promisify(execFile)

/** How a PgBouncer shares the sessions it has with the server. */
export interface PoolerOptions {
  readonly mode: 'session' | 'transaction' | 'statement'
  /** Sessions at most. */
  readonly size: number
}

/** PgBouncers in front of one server; they are gone when the test ends. */
export type OpenPooler = (options: PoolerOptions) => Promise<string>

/**
 * Finds PgBouncer, or else takes it from Debian's or Ubuntu's packages, without installing them
 * and without being root, into a folder that is removed when the test ends.
 *
 * @param server - a connection string
 * @returns opens one and answers with its connection string
 * @throws Error if PgBouncer cannot be had
 */
export async function findPooler(
  t: Pick<Test, 'teardown'>,
  server: string,
): Promise<OpenPooler> {
  const folder = mkdtempSync(join(serverTmpdir(), 'erasure-test-pgbouncer-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const program = await findProgram(folder)
  return async options => {
    const port = await freePort()
    const file = join(folder, `${port}.ini`)
    writeFileSync(file, configuration(new URL(server), port, options))
    giveToServer(folder)
    const child = spawn(program.path, [file], {
      ...SERVER_USER,
      stdio: 'ignore',
      env: { LD_LIBRARY_PATH: program.libraries },
    })
    const ended = once(child, 'exit')
    t.teardown(async () => {
      child.kill('SIGKILL')
      await ended
    })
    await until('PgBouncer accepts connections', () => accepts(port))
    const url = new URL(server)
    url.host = `127.0.0.1:${port}`
    url.password = ''
    return url.href
  }
}

function configuration(server: URL, port: number, options: PoolerOptions): string {
  const { hostname, username, password } = server
  const login = `user=${username} ${password === '' ? '' : `password=${password}`}`
  return `
    [databases]
    * = host=${hostname} port=${server.port || 5432} ${login}
    [pgbouncer]
    listen_addr = 127.0.0.1
    listen_port = ${port}
    unix_socket_dir =
    auth_type = any
    pool_mode = ${options.mode}
    default_pool_size = ${options.size}
    max_client_conn = 500`.replaceAll(/^ +/gm, '')
}

interface Program {
  readonly path: string
  readonly libraries: string
}

async function findProgram(folder: string): Promise<Program> {
  const paths = ['/usr/sbin', '/usr/bin', ...(process.env['PATH'] ?? '').split(':')]
  const installed = paths.map(path => join(path, 'pgbouncer')).find(existsSync)
  if (installed !== undefined) return { path: installed, libraries: '' }
  try {
    return await unpackProgram(folder)
  } catch (error) {
    throw new Error(
      'PgBouncer is not installed and cannot be had by `apt-get download pgbouncer`. Install it, ' +
        'or set SKIP_PGBOUNCER=1 to leave out the tests that need it',
      { cause: error },
    )
  }
}

async function unpackProgram(folder: string): Promise<Program> {
  const packages = join(folder, 'packages')
  mkdirSync(packages)
  try {
    await download(packages, [])
  } catch {
    // A machine that has never asked what there is: asked for here alone, which takes no rights.
    mkdirSync(join(folder, 'lists/partial'), { recursive: true })
    mkdirSync(join(folder, 'cache/archives/partial'), { recursive: true })
    const own = [
      '-o',
      `Dir::State::lists=${folder}/lists`,
      '-o',
      `Dir::Cache=${folder}/cache`,
    ]
    await run('apt-get', [...own, 'update'])
    await download(packages, own)
  }
  const root = join(folder, 'root')
  const { stdout } = await run('sh', [
    '-c',
    'for file in "$0"/*.deb; do dpkg -x "$file" "$1"; done; dirname "$(find "$1" -name "libcares.so*" | head -n 1)"',
    packages,
    root,
  ])
  return { path: join(root, 'usr/sbin/pgbouncer'), libraries: stdout.trim() }
}

/** PgBouncer, and the libraries it needs. */
async function download(folder: string, options: readonly string[]): Promise<void> {
  const { stdout } = await run('apt-cache', [...options, 'depends', 'pgbouncer'])
  const libraries = [...stdout.matchAll(/^ *Depends: (lib(?!c6)\S+)$/gm)].map(
    found => found[1] ?? '',
  )
  await run('apt-get', [...options, 'download', 'pgbouncer', ...libraries], {
    cwd: folder,
  })
}

function accepts(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
