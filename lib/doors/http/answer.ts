import type { Errcode } from '../../matrix/errcode.ts'

/** An HTTP answer, for any framework to send. The body is always JSON. */
export interface Answer {
  /** The status code. */
  readonly status: number
  /** The headers, with names in lower case; without `content-length`. */
  readonly headers: Readonly<Record<string, string>>
  /** `{}`, or an error with its errcode. Not sent in answer to `HEAD`. */
  readonly body: string
}

const HEADERS = { 'content-type': 'application/json' }

/** `200 {}`: the request is durable. */
export const ACKNOWLEDGED: Answer = { status: 200, headers: HEADERS, body: '{}' }

/** A standard error response. `error` is one of our own sentences: it never repeats input. */
export function refuse(
  status: number,
  errcode: Errcode,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return {
    status,
    headers: { ...HEADERS, ...headers },
    body: JSON.stringify({ errcode, error }),
  }
}

/** When a homeserver may come back after a 503. */
const RETRY_AFTER_S = 30

/** `503`: our store does not work at the moment; the homeserver should try again later. */
export function unavailable(error: string): Answer {
  return refuse(503, 'M_UNKNOWN', error, { 'retry-after': String(RETRY_AFTER_S) })
}

/** For an unknown path. */
export const NOT_FOUND: Answer = refuse(404, 'M_UNRECOGNIZED', 'Unrecognized request')
