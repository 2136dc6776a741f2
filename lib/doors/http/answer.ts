import type { Errcode } from '../../matrix/errcode.ts'

/** An HTTP answer, whoever sends it. The body is always JSON. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
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
