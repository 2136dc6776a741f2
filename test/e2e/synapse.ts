// A real Synapse on loopback, with one application service registered.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { stringify } from 'yaml'

import { freePort } from '../support/free-port.ts'

export const SERVER_NAME = 'hs.test'
const SHARED_SECRET = 'registration-shared-secret-of-a-test'
/** How long Synapse may take to answer its first request. */
const START_MS = 60_000

/** A running homeserver. */
export interface Synapse {
  readonly url: string
  /** Registers a user and logs in. */
  register(localpart: string, password: string, admin?: boolean): Promise<string>
  close(): Promise<void>
}

/** Starts a homeserver whose files lie in `directory`. */
export async function startSynapse(
  python: string,
  directory: string,
  registration: string,
): Promise<Synapse> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  mkdirSync(join(directory, 'media'), { recursive: true })
  writeFileSync(join(directory, 'log.yaml'), stringify(logConfig(directory)))
  writeFileSync(
    join(directory, 'signing.key'),
    `ed25519 a_1 ${randomBytes(32).toString('base64').replace('=', '')}\n`,
  )
  const config = join(directory, 'homeserver.yaml')
  writeFileSync(config, stringify(homeserverConfig(directory, port, registration)))
  const output = createWriteStream(join(directory, 'output.log'))
  const child = spawn(python, ['-m', 'synapse.app.homeserver', '-c', config], {
    cwd: directory,
  })
  child.stdout.pipe(output)
  child.stderr.pipe(output)
  await ready(url, child)
  return {
    url,
    register: (localpart, password, admin = false) =>
      register(url, localpart, password, admin),
    async close() {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

function homeserverConfig(directory: string, port: number, registration: string): object {
  const generous = { per_second: 1000, burst_count: 1000 }
  return {
    server_name: SERVER_NAME,
    public_baseurl: `http://127.0.0.1:${port}/`,
    pid_file: join(directory, 'homeserver.pid'),
    listeners: [
      {
        port,
        type: 'http',
        tls: false,
        bind_addresses: ['127.0.0.1'],
        resources: [{ names: ['client', 'federation'], compress: false }],
      },
    ],
    database: { name: 'sqlite3', args: { database: join(directory, 'homeserver.db') } },
    log_config: join(directory, 'log.yaml'),
    media_store_path: join(directory, 'media'),
    signing_key_path: join(directory, 'signing.key'),
    registration_shared_secret: SHARED_SECRET,
    macaroon_secret_key: 'macaroon-secret-of-a-test',
    form_secret: 'form-secret-of-a-test',
    report_stats: false,
    trusted_key_servers: [],
    suppress_key_server_warning: true,
    enable_registration: false,
    app_service_config_files: [registration],
    presence: { enabled: false },
    rc_message: generous,
    rc_registration: generous,
    rc_login: { address: generous, account: generous, failed_attempts: generous },
    rc_joins: { local: generous, remote: generous },
    rc_invites: { per_room: generous, per_user: generous, per_issuer: generous },
    rc_media_create: generous,
  }
}

function logConfig(directory: string): object {
  const file = join(directory, 'homeserver.log')
  return {
    version: 1,
    handlers: { file: { class: 'logging.FileHandler', filename: file } },
    root: { level: 'INFO', handlers: ['file'] },
  }
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_MS
  while (Date.now() < deadline) {
    if (child.exitCode !== null) break
    const answer = await fetch(`${url}/health`).catch(() => undefined)
    if (answer?.ok) return
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  child.kill('SIGKILL')
  throw new Error(
    'Synapse did not start; see homeserver.log and output.log in its folder',
  )
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
