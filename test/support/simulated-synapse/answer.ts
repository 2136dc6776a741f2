// Answers as Synapse 1.163 does; facts that were observed there, and not what its documentation says.
import type { SimulatedAccount, SimulatedAccounts } from './accounts.ts'

/** An answer, before it goes over any wire. */
export interface SimulatedAnswer {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What a homeserver is like. */
export interface SimulatedServer {
  readonly serverName: string
  /** Accounts delegated to Matrix Authentication Service: no guests. */
  readonly hasMas: boolean
  /** Since 1.103. */
  readonly hasV3: boolean
  /** What single accounts are read from. */
  readonly accounts: SimulatedAccounts
  /** What lists are read from: another worker, which may lag. */
  readonly listed: SimulatedAccounts
}

const LIST = /^\/_synapse\/admin\/(v2|v3)\/users$/
const ACCOUNT = /^\/_synapse\/admin\/v2\/users\/([^/]+)$/

/**
 * What does not exist is unrecognized even without a token.
 *
 * @param target - path and query
 * @param refusal - the answer to a token that is not an admin's
 */
export function answerAdmin(
  server: SimulatedServer,
  target: string,
  refusal: SimulatedAnswer | undefined,
): SimulatedAnswer {
  const { pathname, searchParams } = new URL(target, 'http://localhost')
  const version = LIST.exec(pathname)?.[1]
  if (version === 'v2' || (version === 'v3' && server.hasV3))
    return refusal ?? answerList(server, version, searchParams)
  const encoded = ACCOUNT.exec(pathname)?.[1]
  if (encoded === undefined) return refuse(404, 'M_UNRECOGNIZED')
  return refusal ?? answerAccount(server, decodeURIComponent(encoded))
}

export function refuse(
  status: number,
  errcode: string,
  more: object = {},
): SimulatedAnswer {
  return json(status, { errcode, error: 'The text of an error', ...more })
}

export function json(status: number, body: unknown): SimulatedAnswer {
  const headers = { 'content-type': 'application/json' }
  return { status, headers, body: JSON.stringify(body) }
}

function answerList(
  { hasMas, listed }: SimulatedServer,
  version: 'v2' | 'v3',
  query: URLSearchParams,
): SimulatedAnswer {
  const from = Number(query.get('from') ?? 0)
  const limit = Number(query.get('limit') ?? 100)
  if (hasMas && query.get('guests') !== 'false') return refuse(400, 'M_INVALID_PARAM')
  if ((query.get('order_by') ?? 'name') !== 'name') return refuse(400, 'M_INVALID_PARAM')
  const found = listed
    .all()
    .filter(account => isListed(account, version, query))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const page = found.slice(from, from + limit)
  return json(200, {
    users: page.map(toListItem),
    total: found.length,
    ...(from + limit < found.length && { next_token: String(from + page.length) }),
  })
}

function isListed(
  account: SimulatedAccount,
  version: 'v2' | 'v3',
  query: URLSearchParams,
): boolean {
  const deactivated = query.get('deactivated')
  if (account.locked && query.get('locked') !== 'true') return false
  if (account.isGuest && query.get('guests') === 'false') return false
  // Version 2 leaves the deactivated out by default, version 3 has them alone if asked.
  if (version === 'v2') return deactivated === 'true' || !account.deactivated
  return deactivated === null || account.deactivated === (deactivated === 'true')
}

function toListItem({ name, isGuest, deactivated, erased, locked }: SimulatedAccount) {
  return {
    name,
    user_type: null,
    is_guest: isGuest,
    admin: false,
    deactivated,
    shadow_banned: false,
    displayname: null,
    avatar_url: null,
    creation_ts: 1_795_586_443_000,
    erased,
    last_seen_ts: 1_795_586_445_375,
    locked,
  }
}

function answerAccount(
  { serverName, accounts }: SimulatedServer,
  userId: string,
): SimulatedAnswer {
  if (!userId.startsWith('@')) return refuse(400, 'M_INVALID_PARAM')
  if (!userId.endsWith(`:${serverName}`)) return refuse(400, 'M_UNKNOWN')
  const account = accounts.get(userId)
  if (account === undefined) return refuse(404, 'M_NOT_FOUND')
  const { name, isGuest, appserviceId, deactivated, erased, locked } = account
  return json(200, {
    name,
    admin: false,
    deactivated,
    locked,
    shadow_banned: false,
    creation_ts: 1_795_586_443,
    appservice_id: appserviceId,
    consent_server_notice_sent: null,
    consent_version: null,
    consent_ts: null,
    user_type: null,
    is_guest: isGuest,
    suspended: false,
    displayname: null,
    avatar_url: null,
    threepids: [],
    external_ids: [],
    erased,
    last_seen_ts: 1_795_586_445_375,
  })
}
