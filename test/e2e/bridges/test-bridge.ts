// A bridge in a process of its own, as the story sees it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'

import { parse } from 'yaml'

import { status } from '../../../lib/cli/status.ts'
import type { ErasureStatus } from '../../../lib/core/read-status.ts'
import { createRegistration } from '../../../lib/registration/registration-file.ts'
import { freePort } from '../../support/free-port.ts'
import { ownEnvironment, ROOT } from '../../support/program.ts'
import { SERVER_NAME } from '../homeserver/synapse-config.ts'
import { until } from '../wait.ts'

/** What a kind of bridge is, and what it keeps. */
export interface BridgeKind {
  /** Also the localpart of its bot, and the beginning of its ghosts' names. */
  readonly name: string
  /** Its program, relative to the root of the repository. */
  readonly main: string
  /** What it prints when it is ready. */
  readonly ready: string
  /** How many messages of a user it keeps. */
  messagesOf(dataDir: string, userId: string): number
  /** Everything it keeps of users, byte by byte. */
  dumpOf(dataDir: string, userIds: readonly string[]): string
}

/** A bridge that is registered at a homeserver. */
export interface TestBridge {
  readonly name: string
  readonly bot: string
  readonly asToken: string
  readonly hsToken: string
  readonly registration: string
  /** Everything that the bridge writes, its output included. */
  readonly dataDir: string
  readonly log: string
  readonly extraPort: number
  /** Starts it, and resolves when it is ready. */
  start(homeserverUrl: string): Promise<void>
  /** Ends it as a power cut would. */
  kill(): Promise<void>
  /** Has it close; resolves with its exit code. */
  stop(): Promise<number | null>
  messagesOf(userId: string): number
  dumpOf(userIds: readonly string[]): string
  /** What the command line says of its requests. */
  status(): Promise<ErasureStatus>
}

/** Registers a bridge whose files lie in `folder`. */
export async function createTestBridge(
  kind: BridgeKind,
  folder: string,
  settings: Readonly<Record<string, string>>,
): Promise<TestBridge> {
  const { name } = kind
  const [port, extraPort] = [await freePort(), await freePort()]
  const dataDir = join(folder, name)
  mkdirSync(dataDir)
  const registration = join(folder, `${name}.yaml`)
  const url = `http://127.0.0.1:${port}`
  const userRegex = `@${name}_.*:${SERVER_NAME.replaceAll('.', String.raw`\.`)}`
  writeFileSync(registration, createRegistration({ id: name, url, userRegex }))
  const tokens = parse(readFileSync(registration, 'utf8')) as Record<string, string>
  const log = join(dataDir, 'bridge.log')
  const env = {
    ...settings,
    SERVER_NAME,
    REGISTRATION: registration,
    PORT: String(port),
    GUESTBOOK_PORT: String(extraPort),
    DATA_DIR: dataDir,
    SOURCE: 'synapse',
    LOG: 'debug',
  }
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    const ended = child
    child = undefined
    if (ended === undefined) return null
    if (ended.exitCode === null && ended.signalCode === null) {
      ended.kill(signal)
      await once(ended, 'exit')
    }
    return ended.exitCode
  }
  return {
    ...{ name, registration, dataDir, log, extraPort },
    bot: `@${name}:${SERVER_NAME}`,
    asToken: tokens['as_token'] ?? '',
    hsToken: tokens['hs_token'] ?? '',
    async start(homeserverUrl) {
      const before = timesIn(log, kind.ready)
      const started = run(kind.main, { ...env, HOMESERVER_URL: homeserverUrl }, log)
      child = started
      await until(`the ${name} bridge is ready`, () => {
        if (started.exitCode !== null)
          throw new Error(`The ${name} bridge ended with code ${started.exitCode}`)
        return timesIn(log, kind.ready) > before
      })
    },
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    messagesOf: userId => kind.messagesOf(dataDir, userId),
    dumpOf: userIds => kind.dumpOf(dataDir, userIds),
    async status() {
      const call = { args: ['--json', '--data', dataDir], env: {}, stdin: process.stdin }
      return JSON.parse(await status.run(call)) as ErasureStatus
    },
  }
}

function run(main: string, env: NodeJS.ProcessEnv, log: string): ChildProcess {
  const output = openSync(log, 'a')
  const child = spawn(process.execPath, ['--conditions=erasure-source', main], {
    cwd: ROOT,
    env: { ...ownEnvironment(), ...env },
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  const killChild = () => void child.kill('SIGKILL')
  // Before the folder it writes to is removed.
  process.prependOnceListener('exit', killChild)
  child.once('exit', () => process.off('exit', killChild))
  return child
}

function timesIn(file: string, text: string): number {
  return existsSync(file) ? readFileSync(file, 'utf8').split(text).length - 1 : 0
}
