// What a Synapse of the tests is configured with.
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { stringify } from 'yaml'

export const SERVER_NAME = 'hs.test'
export const SHARED_SECRET = 'registration-shared-secret-of-a-test'

/** What one homeserver differs in from another. */
export interface SynapseOptions {
  /** All of its files lie below it. */
  readonly directory: string
  readonly port: number
  /** The paths of the registrations of application services. */
  readonly registrations: readonly string[]
  /** The section `database` of homeserver.yaml. */
  readonly database: object
}

/** The log of a Synapse, and what it prints. */
export const LOG_FILES = ['homeserver.log', 'output.log'] as const

/** Writes the configuration files; returns the path of homeserver.yaml. */
export function writeSynapseConfig(options: SynapseOptions): string {
  const { directory } = options
  mkdirSync(join(directory, 'media'), { recursive: true })
  writeFileSync(join(directory, 'log.yaml'), stringify(logConfig(directory)))
  const key = join(directory, 'signing.key')
  const seed = randomBytes(32).toString('base64').replace('=', '')
  if (!existsSync(key)) writeFileSync(key, `ed25519 a_1 ${seed}\n`)
  const path = join(directory, 'homeserver.yaml')
  writeFileSync(path, stringify(homeserverConfig(options)))
  return path
}

function homeserverConfig(options: SynapseOptions): object {
  const { directory, port, registrations, database } = options
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
    database,
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
    allow_guest_access: true,
    app_service_config_files: registrations,
    presence: { enabled: false },
    // A young database is finished in a second instead of a minute. Before, reactivation fails.
    background_updates: { sleep_enabled: false },
    ...rateLimits(),
  }
}

/** So high that no test reaches them. */
function rateLimits(): object {
  const generous = { per_second: 1000, burst_count: 1000 }
  return {
    rc_message: generous,
    rc_registration: generous,
    rc_login: { address: generous, account: generous, failed_attempts: generous },
    rc_joins: { local: generous, remote: generous },
    rc_joins_per_room: generous,
    rc_room_creation: generous,
    rc_invites: { per_room: generous, per_user: generous, per_issuer: generous },
    rc_media_create: generous,
  }
}

function logConfig(directory: string): object {
  const [file] = LOG_FILES.map(name => join(directory, name))
  return {
    version: 1,
    handlers: { file: { class: 'logging.FileHandler', filename: file } },
    root: { level: 'INFO', handlers: ['file'] },
  }
}
