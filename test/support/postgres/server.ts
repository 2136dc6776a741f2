import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import type { Test } from 'tap'

import { freePort } from '../free-port.ts'
import { copyBinaries, giveToServer, SERVER_USER } from './binaries.ts'
import { memoryFolder, serverTmpdir } from './server-folder.ts'
import { watch } from './watchdog.ts'

/** A PostgreSQL of our own. */
export interface TestServer {
  /** Its database `postgres`, as the superuser. */
  readonly connectionString: string
  readonly port: number
  /** Everything the server writes is below it. */
  readonly dataDirectory: string
  /** `immediate` is what a crash does: no checkpoint, and recovery when it comes up again. */
  restart(mode: 'fast' | 'immediate'): Promise<void>
  /** Stops it so that everything is in its files, which stay until the test ends. */
  stop(): Promise<void>
  /** Stops it at once, and removes its files. */
  remove(): Promise<void>
}

/** How often another port is tried when somebody was faster. */
const ATTEMPTS = 5
const PATIENCE_S = 60

const SETTINGS = [
  ['listen_addresses', '127.0.0.1'],
  ['unix_socket_directories', ''],
  ['max_connections', '200'],
  ['logging_collector', 'off'],
  // More than the test machine's memory would be asked for by default.
  ['shared_buffers', '64MB'],
]

/**
 * Starts a PostgreSQL for this test alone: fsync on as in production, on a free port of
 * 127.0.0.1, with its files in the temporary folder. It is gone when the test ends, also by
 * failing, and when the process does, also by SIGKILL.
 */
export async function openTestServer(t: Pick<Test, 'teardown'>): Promise<TestServer> {
  const server = await startServer()
  t.teardown(() => server.remove())
  return server
}

/** As {@link openTestServer}, in memory if it can be: a server that many tests share, each with databases of its own. */
export function startSharedServer(): Promise<TestServer> {
  return startServer(memoryFolder())
}

async function startServer(parent = serverTmpdir()): Promise<TestServer> {
  const folder = mkdtempSync(join(parent, 'erasure-test-postgres-'))
  const watchdog = watch(folder)
  try {
    const binaries = copyBinaries(join(folder, 'native'))
    giveToServer(folder)
    const server = new Server(folder, binaries)
    await server.initialise()
    const port = await server.start()
    return {
      port,
      connectionString: `postgresql://postgres@127.0.0.1:${port}/postgres`,
      dataDirectory: server.dataDirectory,
      restart: mode => server.control('restart', '-m', mode, '-l', server.logFile),
      stop: () => server.control('stop', '-m', 'fast'),
      remove: () => watchdog.end(),
    }
  } catch (error) {
    await watchdog.end()
    throw new Error(
      `The tests could not start a PostgreSQL of their own in ${folder}: ${explain(error)}`,
      { cause: error },
    )
  }
}

class Server {
  readonly dataDirectory: string
  readonly logFile: string
  readonly #binaries: string

  constructor(folder: string, binaries: string) {
    this.dataDirectory = join(folder, 'data')
    this.logFile = join(folder, 'log')
    this.#binaries = binaries
  }

  /** Sorts as people do, as most servers are set up, so that who relies on bytes is found out. */
  async initialise(): Promise<void> {
    const locale = ['--locale=C', '--locale-provider=icu', '--icu-locale=en-US']
    const settings = SETTINGS.flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const access = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8']
    const quick = ['--no-sync', '--no-instructions']
    const where = ['-D', this.dataDirectory]
    await this.#run('initdb', [...where, ...access, ...locale, ...quick, ...settings])
  }

  /** @returns the port */
  async start(): Promise<number> {
    for (let attempt = 1; ; attempt += 1) {
      const port = await freePort()
      try {
        await this.control('start', '-l', this.logFile, '-o', `-p ${port}`)
        return port
      } catch (error) {
        const log = existsSync(this.logFile) ? readFileSync(this.logFile, 'utf8') : ''
        const isTaken = log.includes('Address already in use')
        if (!isTaken || attempt === ATTEMPTS) throw new Error(log, { cause: error })
      }
    }
  }

  async control(command: string, ...args: readonly string[]): Promise<void> {
    const patience = ['-w', '-t', String(PATIENCE_S)]
    await this.#run('pg_ctl', [command, '-D', this.dataDirectory, ...patience, ...args])
  }

  async #run(program: string, args: readonly string[]): Promise<void> {
    await promisify(execFile)(join(this.#binaries, program), args, {
      ...SERVER_USER,
      cwd: join(this.#binaries, '..'),
      // Messages in the language in which they are looked for.
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
    })
  }
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const output = 'stderr' in error ? String(error.stderr) : ''
  return `${error.message}\n${output}`
}
