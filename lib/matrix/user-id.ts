import { ErasureError } from '../errors.ts'

declare const userIdBrand: unique symbol

/**
 * A user ID that {@link parseUserId} has accepted, such as `@bob:example.org`. Two user IDs
 * are the same person only if they are equal byte for byte: nothing is folded or decoded.
 */
export type UserId = string & {
  /** Only a type; there is no such property. */
  readonly [userIdBrand]: true
}

/** The specification's limit, counted in UTF-8 bytes over the whole user ID. */
const MAX_USER_ID_BYTES = 255

/** `server_name` of the specification: an IPv6 literal in brackets or a host name, and a port. */
const SERVER_NAME = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(?::[0-9]{1,5})?$/

/**
 * Whether `value` is a user ID. Strict about the server name, liberal about the localpart:
 * historical ones hold any character but `:`, NUL and lone surrogates, and may be empty.
 *
 * @see https://spec.matrix.org/v1.16/appendices/#historical-user-ids
 */
export function isUserId(value: string): value is UserId {
  const colon = value.indexOf(':')
  return (
    value.startsWith('@') &&
    colon > 0 &&
    value.isWellFormed() &&
    !value.includes('\0') &&
    Buffer.byteLength(value) <= MAX_USER_ID_BYTES &&
    isServerName(value.slice(colon + 1))
  )
}

/** Whether `value` is a server name, such as `example.org` or `localhost:8448`. */
export function isServerName(value: string): boolean {
  return SERVER_NAME.test(value)
}

/**
 * Takes `value` as a user ID.
 *
 * @throws ErasureError `USER_ID_INVALID`; the message does not repeat the value
 */
export function parseUserId(value: string): UserId {
  if (typeof value === 'string' && isUserId(value)) return value
  throw new ErasureError(
    'USER_ID_INVALID',
    'Not a user ID: expected "@localpart:server.name" of at most 255 bytes',
  )
}

/** The part between `@` and the first `:`. */
export function localpartOf(userId: UserId): string {
  return userId.slice(1, userId.indexOf(':'))
}

/** Everything after the first `:`. Compared case-sensitively, as the specification wants. */
export function serverNameOf(userId: UserId): string {
  return userId.slice(userId.indexOf(':') + 1)
}
