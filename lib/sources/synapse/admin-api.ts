import { SourceError } from '../../watch/source.ts'
import { type AccessToken, readAccessToken } from './access-token.ts'
import { readJson } from './read-json.ts'
import { HomeserverBusy, readRetryAfter } from './homeserver-busy.ts'

/** An answer that a caller must understand: 200, or an error of the request itself. */
export interface Reply {
  /** 200, or from 400 to 499, but neither 401, 403 nor 429. */
  readonly status: number
  /** The parsed body; `undefined` if an error has none that is JSON. */
  readonly body: unknown
}

/** What a request may cost us. */
export interface Limits {
  readonly timeoutMs: number
  /** How large a 200 may be. */
  readonly maxBytes: number
}

/** Asks Synapse's admin API. */
export interface AdminApi {
  /**
   * @param path - without a slash at the start
   * @throws SourceError if there is no answer, or none that a caller could understand
   */
  get(path: string, limits: Limits, signal: AbortSignal): Promise<Reply>
}

/** As the global `fetch`. */
export type Fetch = (url: URL, init: RequestInit) => Promise<Response>

/** More than any errcode needs. */
const MAX_ERROR_BYTES = 64 * 1024

/**
 * The admin API under a URL. Follows no redirect, because it would take the token along.
 *
 * @param fetch - replaced by tests that simulate thousands of homeservers
 */
export function adminApi(
  url: URL,
  accessToken: AccessToken,
  fetch: Fetch = globalThis.fetch,
): AdminApi {
  return {
    async get(path, { timeoutMs, maxBytes }, signal) {
      const token = await readAccessToken(accessToken)
      const late = new AbortController()
      const timer = setTimeout(() => late.abort(), timeoutMs).unref()
      const either = AbortSignal.any([signal, late.signal])
      try {
        const response = await ask(fetch, new URL(path, url), token, either)
        if (response.status === 200)
          return { status: 200, body: await readJson(response, maxBytes) }
        const body = await readJson(response, MAX_ERROR_BYTES).catch(() => undefined)
        refuseErrors(response, body)
        return { status: response.status, body }
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

async function ask(
  fetch: Fetch,
  url: URL,
  token: string,
  signal: AbortSignal,
): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
  try {
    return await fetch(url, { headers, signal, redirect: 'manual' })
  } catch {
    // The cause is left out: it may contain the URL, and that a user.
    throw new SourceError('SOURCE_UNREACHABLE', 'The homeserver cannot be reached')
  }
}

/** Throws for every status that says nothing about what was asked for. */
function refuseErrors({ status, headers }: Response, body: unknown): void {
  if (status === 401 || status === 403)
    throw new SourceError(
      'SOURCE_FORBIDDEN',
      `The homeserver refuses the access token (${status}): it must be of a server admin`,
    )
  if (status === 429 || status >= 500)
    throw new HomeserverBusy(
      `The homeserver answers ${status}`,
      readRetryAfter(headers, body),
    )
  if (status >= 400) return
  throw new SourceError(
    'SOURCE_INVALID',
    `The homeserver answers ${status}: \`url\` must lead to it without a detour`,
  )
}
