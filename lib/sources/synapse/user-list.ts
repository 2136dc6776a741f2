import type { AdminApi, Limits, Reply } from './admin-api.ts'
import { errcodeOf, invalid, type Page, readPage } from './read-accounts.ts'

/** Which of Synapse's lists: of the deactivated accounts, or of all. */
export type ListKind = 'deactivated' | 'all'

/** How this homeserver has to be asked. */
export interface Dialect {
  /** Version 3 can leave out those who are not deactivated; Synapse has it since 1.103. */
  readonly version: 2 | 3
  /** With Matrix Authentication Service there are no guests, and asking for them is an error. */
  readonly guests: boolean
}

/** What every homeserver is asked first. */
export const NEWEST: Dialect = { version: 3, guests: true }

/**
 * A page of 5,000 accounts takes a homeserver of 200,000 up to 1.5 s, has 1.5 MB, and has more if
 * their profiles are long.
 */
export const LIST_LIMITS: Limits = { timeoutMs: 120_000, maxBytes: 64 * 1024 * 1024 }

/** What is known about the dialect; shared by all lists of a homeserver, and lost at any surprise. */
export interface KnownDialect {
  dialect: Dialect
}

/**
 * Reads one list once. Finds out at the first page how the homeserver has to be asked, and asks for
 * the other pages in the same way.
 */
export function userList(
  api: AdminApi,
  known: KnownDialect,
  { kind, pageSize, signal }: { kind: ListKind; pageSize: number; signal: AbortSignal },
): (from: number) => Promise<Page> {
  let { dialect } = known
  const ask = (from: number): Promise<Reply> =>
    api.get(pathOf(kind, dialect, from, pageSize), LIST_LIMITS, signal)
  const askFirst = async (): Promise<Reply> => {
    const reply = await ask(0)
    const other = otherDialect(reply, dialect)
    if (other === undefined) return reply
    dialect = other
    return askFirst()
  }
  return async from => {
    const reply = await (from === 0 ? askFirst() : ask(from))
    known.dialect = reply.status === 200 ? dialect : NEWEST
    if (reply.status === 200) return readPage(reply.body)
    throw invalid(`${reply.status} when asked for a list of accounts`)
  }
}

/** How to ask instead, after an answer that says that this is not how; `undefined` after any other. */
function otherDialect({ status, body }: Reply, dialect: Dialect): Dialect | undefined {
  if (status === 200) return undefined
  const errcode = errcodeOf(body)
  if (dialect.version === 3 && (status === 404 || errcode === 'M_UNRECOGNIZED'))
    return { ...dialect, version: 2 }
  if (dialect.guests && errcode === 'M_INVALID_PARAM')
    return { ...dialect, guests: false }
  return undefined
}

/**
 * `locked` and `guests` are said, because the homeserver leaves out locked accounts by default, and
 * `guests=false` leaves out erased guests. In the order of names, an account that is added shifts
 * others towards the end, where the list is still to be read, and every homeserver has this order.
 * In the order of `creation_ts` it would be the same for those that are deactivated later.
 */
function pathOf(kind: ListKind, dialect: Dialect, from: number, limit: number): string {
  const { version, guests } = dialect
  const query = new URLSearchParams({
    from: String(from),
    limit: String(limit),
    locked: 'true',
    guests: String(guests),
    order_by: 'name',
    dir: 'f',
  })
  // For version 2 this means that they are listed, too, and for version 3 that no others are.
  if (version === 2 || kind === 'deactivated') query.set('deactivated', 'true')
  return `_synapse/admin/v${version}/users?${query.toString()}`
}
