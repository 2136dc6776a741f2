import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

import { ErasureError, hasSystemCode } from '../errors.ts'
import { makeFolder } from '../host/durable-folder.ts'
import { parseYaml } from './parse-yaml.ts'
import { readToken } from './read-token.ts'
import {
  parseRegistration,
  type Registration,
  type RegistrationFile,
} from './registration.ts'

/** The properties of a new registration; the specification explains each. */
export interface RegistrationOptions {
  /** Must be unique on the homeserver and never change. Default: `erasure`. */
  readonly id?: string | undefined
  /** Where the homeserver reaches the application service. Default: `http://localhost:9009`. */
  readonly url?: string | undefined
  /** The localpart of the bot. Default: the id. */
  readonly senderLocalpart?: string | undefined
  /** A regex for the ghosts, claimed exclusively. Default: no namespace. */
  readonly userRegex?: string | undefined
}

/**
 * Writes a registration as YAML, with two fresh random tokens of 256 bits.
 *
 * @see https://spec.matrix.org/v1.16/application-service-api/#registration
 */
export function createRegistration(options: RegistrationOptions = {}): string {
  const { id = 'erasure', url = 'http://localhost:9009', userRegex } = options
  const users = userRegex
    ? `\n    - exclusive: true\n      regex: ${JSON.stringify(userRegex)}`
    : ' []'
  return `# Registration of an application service that honours erasure requests (MSC2438).
# Give its path to the homeserver (Synapse: app_service_config_files) and to the bridge.

# Unique on the homeserver. Never change it.
id: ${JSON.stringify(id)}
# Where the homeserver reaches the application service.
url: ${JSON.stringify(url)}
# The application service sends the as_token to the homeserver, and the homeserver sends the
# hs_token to the application service. Anyone who has the hs_token can erase any user: keep
# this file from other users of the machine (chmod 600).
as_token: "${randomToken()}"
hs_token: "${randomToken()}"
# The localpart of the bot.
sender_localpart: ${JSON.stringify(options.senderLocalpart ?? id)}
rate_limited: false
namespaces:
  # Ghosts of the bridge. Erasure requests for them are acknowledged and declined.
  users:${users}
  aliases: []
  rooms: []
`
}

/**
 * Reads the registration at `path`. Its `hs_token` may be in a file of its own (`hs_token_path`,
 * relative to the registration) or in an environment variable (`hs_token: ${NAME}`).
 *
 * @throws ErasureError `REGISTRATION_MISSING`, or `REGISTRATION_INVALID` naming the line and the
 *   property that is wrong
 */
export async function readRegistration(path: string): Promise<Registration> {
  const { value, file } = parseYaml(await readText(path), path)
  return takeRegistration(value, file)
}

/**
 * Takes an application's registration: the path of the YAML file, or the object that is in it.
 *
 * @throws ErasureError as {@link readRegistration}
 */
export function loadRegistration(given: string | Registration): Promise<Registration> {
  if (typeof given === 'string') return readRegistration(given)
  return takeRegistration(given)
}

async function takeRegistration(
  value: unknown,
  file?: RegistrationFile,
): Promise<Registration> {
  return parseRegistration(await readToken(value, file), file)
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new ErasureError(
      'REGISTRATION_MISSING',
      `${path}: the registration cannot be read; make one: matrix-appservice-erasure registration`,
      { file: path, cause: error },
    )
  }
}

/**
 * Reads the registration at `path`. If there is none, creates it first, with mode 0600.
 *
 * @throws ErasureError `REGISTRATION_INVALID` if it exists and something in it is wrong
 */
export async function ensureRegistration(
  path: string,
  options?: RegistrationOptions,
): Promise<Registration> {
  makeFolder(dirname(resolve(path)))
  try {
    await writeFile(path, createRegistration(options), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (!hasSystemCode(error, 'EEXIST')) throw error
  }
  return readRegistration(path)
}

function randomToken(): string {
  return randomBytes(32).toString('hex')
}
