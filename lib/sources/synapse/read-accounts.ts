import type { UserId } from '../../matrix/user-id.ts'
import { type AccountState, SourceError } from '../../watch/source.ts'
import type { Reply } from './admin-api.ts'

/** An account, as a list shows it. */
export interface ListedAccount {
  readonly name: string
  readonly erased: boolean
  /** Whether it also counts as deactivated. */
  readonly deactivated: boolean
}

/** A page of a list. */
export interface Page {
  readonly accounts: readonly ListedAccount[]
  /** Whether there are more. */
  readonly isLast: boolean
}

/**
 * Takes an answer as a page of `GET /_synapse/admin/v2/users` or v3.
 *
 * @throws SourceError `SOURCE_INVALID` if anything that matters is missing or of another type
 * @see https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html#list-accounts-v3
 */
export function readPage(body: unknown): Page {
  const { users, next_token: next } = asObject(body)
  if (!Array.isArray(users)) throw invalid('a list of users without `users`')
  return {
    accounts: users.map(readListed),
    isLast: next === undefined || next === null,
  }
}

function readListed(value: unknown): ListedAccount {
  const { name, erased, deactivated } = asObject(value)
  if (typeof name !== 'string') throw invalid('an account without a name')
  // Synapse on SQLite wrote 0 and 1 for `deactivated` for years, and never for `erased`.
  const isDeactivated = deactivated === true || deactivated === 1
  return { name, erased: readErased(erased), deactivated: isDeactivated }
}

/**
 * Takes an answer as that of `GET /_synapse/admin/v2/users/{userId}`.
 *
 * @throws SourceError `SOURCE_INVALID` if it is no statement about this user
 * @see https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html#query-user-account
 */
export function readAccount({ status, body }: Reply, userId: UserId): AccountState {
  if (status === 404 && errcodeOf(body) === 'M_NOT_FOUND') return 'unknown'
  if (status !== 200) throw invalid(`${status} when asked about one account`)
  const { name, erased, appservice_id: appservice } = asObject(body)
  if (name !== userId) throw invalid('another account than the one asked about')
  if (!readErased(erased)) return 'present'
  if (appservice === undefined || appservice === null) return 'erased'
  if (typeof appservice === 'string') return 'erased ghost'
  throw invalid('an `appservice_id` that is no string')
}

/** The errcode of an error, if it has one. */
export function errcodeOf(body: unknown): string | undefined {
  const { errcode } = Object(body) as { errcode?: unknown }
  return typeof errcode === 'string' ? errcode : undefined
}

/** The error for an answer that is not what it should be. */
export function invalid(what: string): SourceError {
  return new SourceError('SOURCE_INVALID', `The homeserver answers with ${what}`)
}

/** Only `true` erases: whatever else is there, a person must not lose their data for it. */
function readErased(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw invalid('an account without `erased`; Synapse has it since 1.71')
}

function asObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>
  throw invalid('something else than an object')
}
