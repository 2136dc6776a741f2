import { ErasureError } from '../errors.ts'
import { localpartOf, serverNameOf, type UserId } from '../matrix/user-id.ts'

/**
 * What this package reads of an application service's registration; other properties are
 * ignored. The shape is the specification's.
 *
 * @see https://spec.matrix.org/v1.16/application-service-api/#registration
 */
export interface Registration {
  /** The homeserver authenticates itself with it. Must not be empty. */
  readonly hs_token: string
  /** The localpart of the bot. */
  readonly sender_localpart: string
  /** Where the homeserver reaches the application service; `null` if it sends nothing. */
  readonly url?: string | null
  /** Whom the application service is interested in, or owns. */
  readonly namespaces?: {
    /** Of users; those of rooms and aliases are not read. */
    readonly users?: readonly UserNamespace[]
  }
}

/** Users an application service is interested in. */
export interface UserNamespace {
  /** Whether they are its own: nobody else may have them. */
  readonly exclusive: boolean
  /** Matches user IDs, from their beginning. */
  readonly regex: string
}

/** What stands in registration.sample.yaml where a token belongs. Refused as a token. */
export const TOKEN_PLACEHOLDER = 'REPLACE_ME_WITH_64_RANDOM_HEX_CHARACTERS'

/**
 * Takes a parsed YAML document or object as a registration.
 *
 * @param where - named in the error: the file, or what the caller passed
 * @throws ErasureError `REGISTRATION_INVALID` naming the property that is wrong
 */
export function parseRegistration(value: unknown, where: string): Registration {
  const invalid = (what: string) =>
    new ErasureError('REGISTRATION_INVALID', `${where}: ${what}`)
  if (!isObject(value)) throw invalid('expected a registration with hs_token and others')
  const { hs_token, sender_localpart, url = null, namespaces } = value
  // A server that compares `undefined` with `undefined` lets everybody in.
  if (typeof hs_token !== 'string' || hs_token === '') {
    throw invalid('hs_token must be a non-empty string')
  }
  if (hs_token === TOKEN_PLACEHOLDER) {
    throw invalid(
      'hs_token is still the sample; make one: matrix-appservice-erasure registration',
    )
  }
  if (typeof sender_localpart !== 'string') {
    throw invalid('sender_localpart must be a string')
  }
  if (url !== null && typeof url !== 'string')
    throw invalid('url must be a string or null')
  const users = isObject(namespaces) ? (namespaces['users'] ?? []) : []
  if (!Array.isArray(users) || !users.every(isNamespace)) {
    throw invalid('namespaces.users must be a list of { exclusive, regex }')
  }
  return { hs_token, sender_localpart, url, namespaces: { users } }
}

/**
 * Makes the test for users of the application service itself: its bot, and the ghosts in its
 * exclusive namespaces. A non-exclusive namespace is only interest, not ownership.
 *
 * @param serverName - where the bot lives. Without it a user of another server whose localpart
 *   is the bot's counts as the bot, since a registration does not name its server.
 * @throws ErasureError `REGISTRATION_INVALID` where a regex does not compile
 */
export function createOwnUserTest(
  registration: Registration,
  serverName?: string,
): (userId: UserId) => boolean {
  const exclusive = (registration.namespaces?.users ?? []).filter(
    users => users.exclusive,
  )
  const patterns = exclusive.map(({ regex }) => compile(regex))
  return userId =>
    (localpartOf(userId) === registration.sender_localpart &&
      (serverName === undefined || serverNameOf(userId) === serverName)) ||
    patterns.some(pattern => pattern.test(userId))
}

/** Homeservers anchor a namespace at its beginning only (Synapse: `re.match`). */
function compile(regex: string): RegExp {
  try {
    return new RegExp(`^(?:${regex})`, 'u')
  } catch {
    throw new ErasureError(
      'REGISTRATION_INVALID',
      `namespaces.users: the regex ${JSON.stringify(regex)} does not compile in JavaScript`,
    )
  }
}

function isNamespace(value: unknown): boolean {
  return isObject(value) && typeof value['regex'] === 'string'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
