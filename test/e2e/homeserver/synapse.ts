// A real Synapse on loopback, which can be killed and started again.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import { join } from 'node:path'

import { freePort } from '../../support/free-port.ts'
import { until } from '../wait.ts'
import {
  LOG_FILES,
  SHARED_SECRET,
  type SynapseOptions,
  writeSynapseConfig,
} from './synapse-config.ts'

/** A homeserver. */
export interface Synapse {
  readonly url: string
  /** Its files with log lines. */
  readonly logs: readonly string[]
  /** Starts it, and resolves when it answers. */
  start(): Promise<void>
  /** Ends it as a power cut would. */
  kill(): Promise<void>
  /** Registers a user, and returns an access token. */
  register(localpart: string, password: string, admin?: boolean): Promise<string>
  close(): Promise<void>
}

/** Configures a homeserver that does not run yet. */
export async function createSynapse(
  python: string,
  options: Omit<SynapseOptions, 'port'>,
): Promise<Synapse> {
  const { directory } = options
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const config = writeSynapseConfig({ ...options, port })
  const logs = LOG_FILES.map(name => join(directory, name))
  const output = openSync(join(directory, 'output.log'), 'a')
  let child: ChildProcess | undefined
  const end = async (signal: NodeJS.Signals) => {
    const ended = child
    child = undefined
    if (ended === undefined || hasEnded(ended)) return
    ended.kill(signal)
    await once(ended, 'exit')
  }
  return {
    url,
    logs,
    async start() {
      const started = spawn(python, ['-m', 'synapse.app.homeserver', '-c', config], {
        cwd: directory,
        stdio: ['ignore', output, output],
      })
      child = started
      const killIt = () => void started.kill('SIGKILL')
      // Before the folder it writes to is removed.
      process.prependOnceListener('exit', killIt)
      started.once('exit', () => process.off('exit', killIt))
      await until('Synapse answers', async () => {
        if (hasEnded(started)) throw new Error('Synapse ended while it was starting')
        return (await fetch(`${url}/health`).catch(() => undefined))?.ok ?? false
      })
    },
    kill: () => end('SIGKILL'),
    register: (localpart, password, admin = false) =>
      register(url, localpart, password, admin),
    close: () => end('SIGTERM'),
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

async function register(
  url: string,
  localpart: string,
  password: string,
  admin: boolean,
): Promise<string> {
  const endpoint = `${url}/_synapse/admin/v1/register`
  const { nonce } = (await (await fetch(endpoint)).json()) as { nonce: string }
  const fields = [nonce, localpart, password, admin ? 'admin' : 'notadmin']
  const mac = createHmac('sha1', SHARED_SECRET).update(fields.join('\0')).digest('hex')
  const body = JSON.stringify({ nonce, username: localpart, password, admin, mac })
  const answer = await fetch(endpoint, { method: 'POST', body })
  if (!answer.ok) throw new Error(`Registering a user failed: ${answer.status}`)
  const { access_token: token } = (await answer.json()) as { access_token: string }
  return token
}
