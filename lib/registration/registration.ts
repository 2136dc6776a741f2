import { ErasureError } from '../errors.ts'
import { compileNamespaceRegex } from './namespace-regex.ts'

/**
 * What this package reads of an application service's registration; other properties are
 * ignored. The shape is the specification's.
 *
 * @see https://spec.matrix.org/v1.16/application-service-api/#registration
 */
export interface Registration {
  /**
   * The token with which the homeserver authenticates itself. Printable ASCII, because it is sent in a
   * header. `${NAME}` stands for the environment variable `NAME`.
   */
  readonly hs_token: string
  /** The localpart of the bot. */
  readonly sender_localpart: string
  /** Where the homeserver reaches the application service; `null` if it sends nothing. */
  readonly url?: string | null
  /** What the application service is interested in, or owns. */
  readonly namespaces?: {
    /** Namespaces of users; those of rooms and aliases are ignored. */
    readonly users?: readonly UserNamespace[]
  }
}

/** Users an application service is interested in. */
export interface UserNamespace {
  /** Whether the application service owns them: no other user may have a matching ID. */
  readonly exclusive: boolean
  /** A regex for user IDs, anchored at their start, in the syntax that Python and Go share. */
  readonly regex: string
}

/** The way to a property, such as `['namespaces', 'users', 0, 'regex']`. */
export type PropertyPath = ReadonlyArray<string | number>

/** The file a registration was read from. */
export interface RegistrationFile {
  /** Its path. */
  readonly path: string
  /** The line of a property, from 1, or of what it is missing in. */
  readonly lineOf: (property: PropertyPath) => number | undefined
}

/** The placeholder for a token in registration.sample.yaml. Refused as a token. */
export const TOKEN_PLACEHOLDER = 'REPLACE_ME_WITH_64_RANDOM_HEX_CHARACTERS'

/** What a header carries as it is: printable ASCII, with no blank at either end. */
const TOKEN = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

/** An error that names a property, its line in the file if there is one, and never its value. */
export function invalidRegistration(
  file: RegistrationFile | undefined,
  path: PropertyPath,
  what: string,
): ErasureError {
  const property = printPath(path)
  const line = file?.lineOf(path)
  const place = file === undefined ? 'the registration' : file.path
  return new ErasureError(
    'REGISTRATION_INVALID',
    `${place}${line === undefined ? '' : `:${line}`}: ${property || 'it'} ${what}`,
    {
      ...(property && { property }),
      ...(line !== undefined && { line }),
      ...(file && { file: file.path }),
    },
  )
}

/**
 * Takes a parsed YAML document or object as a registration.
 *
 * @param file - where it was read from, if it was
 * @throws ErasureError `REGISTRATION_INVALID` naming the property that is wrong, and its line
 */
export function parseRegistration(value: unknown, file?: RegistrationFile): Registration {
  const invalid = (path: PropertyPath, what: string) =>
    invalidRegistration(file, path, what)
  if (!isObject(value))
    throw invalid([], 'must be an object with hs_token, sender_localpart and namespaces')
  const { hs_token, sender_localpart, url = null, namespaces } = value
  const wrong = wrongToken(hs_token)
  if (wrong !== undefined) throw invalid(['hs_token'], wrong)
  if (typeof sender_localpart !== 'string' || sender_localpart === '') {
    throw invalid(['sender_localpart'], expected('a non-empty string', sender_localpart))
  }
  if (url !== null && typeof url !== 'string') {
    throw invalid(['url'], expected('a string or null', url))
  }
  const users = readUsers(namespaces, invalid)
  return { hs_token: hs_token as string, sender_localpart, url, namespaces: { users } }
}

/** What is wrong with a token, without repeating it, or `undefined`. */
export function wrongToken(token: unknown): string | undefined {
  // A server that compares `undefined` with `undefined` lets anyone in.
  if (typeof token !== 'string' || token === '') {
    return expected('a non-empty string', token)
  }
  if (token === TOKEN_PLACEHOLDER) {
    return 'is still the sample; make one: matrix-appservice-erasure registration'
  }
  if (!TOKEN.test(token)) {
    return 'must be printable ASCII without blanks at its ends: no header can carry it'
  }
  return undefined
}

type Invalid = (path: PropertyPath, what: string) => ErasureError

function readUsers(namespaces: unknown, invalid: Invalid): UserNamespace[] {
  if (namespaces === undefined || namespaces === null) return []
  if (!isObject(namespaces)) {
    throw invalid(['namespaces'], expected('an object with users', namespaces))
  }
  const users = namespaces['users'] ?? []
  if (!Array.isArray(users)) {
    throw invalid(['namespaces', 'users'], expected('a list', users))
  }
  return users.map((namespace: unknown, index) =>
    readNamespace(namespace, ['namespaces', 'users', index], invalid),
  )
}

/** Takes only `true` and `false`: `"false"` would make every user a ghost, `"yes"` none. */
function readNamespace(
  value: unknown,
  path: PropertyPath,
  invalid: Invalid,
): UserNamespace {
  if (!isObject(value)) throw invalid(path, expected('{ exclusive, regex }', value))
  const { exclusive, regex } = value
  if (typeof exclusive !== 'boolean') {
    throw invalid([...path, 'exclusive'], expected('true or false', exclusive))
  }
  if (typeof regex !== 'string') {
    throw invalid([...path, 'regex'], expected('a string', regex))
  }
  try {
    if (exclusive) compileNamespaceRegex(regex)
  } catch (error) {
    throw invalid([...path, 'regex'], `cannot be used: ${(error as Error).message}`)
  }
  return { exclusive, regex }
}

/** Names the kind of a value, never the value: it may be a token. */
function expected(what: string, value: unknown): string {
  if (value === undefined || value === null) return `is missing; it must be ${what}`
  if (
    what.endsWith('string') &&
    (typeof value === 'number' || value === true || value === false)
  ) {
    return `must be ${what}; without quotes YAML reads a ${typeof value}, so put it in quotes`
  }
  const kind = typeof value === 'object' ? 'a list or an object' : `a ${typeof value}`
  return `must be ${what}, and is ${value === '' ? 'empty' : kind}`
}

function printPath(path: PropertyPath): string {
  const text = path.map(part => (typeof part === 'number' ? `[${part}]` : `.${part}`))
  return text.join('').slice(1)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
