import type { Erasure } from '../../core/erasure.ts'
import { codeOf, isErasureError } from '../../errors.ts'
import { parseEraseBody } from '../../matrix/erase-body.ts'
import type { PresentedTokens } from '../../registration/hs-token.ts'
import { ACKNOWLEDGED, type Answer, refuse } from './answer.ts'

/**
 * The paths of the endpoint: MSC2438 names only the first; the second is what the
 * specification's conventions make of a proposal that is not merged.
 *
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/2438
 */
export const ERASE_PATHS: readonly string[] = [
  '/_matrix/app/v1/users/erase',
  '/_matrix/app/unstable/org.matrix.msc2438/users/erase',
]

/** A body may be this long; a user ID has at most 255 bytes. */
export const MAX_BODY_BYTES: number = 64 * 1024
/** When a homeserver may come back after a 503. */
const RETRY_AFTER_S = 30

/** A request to the endpoint, whoever received it. */
export interface EraseRequest extends PresentedTokens {
  readonly method: string
  readonly contentEncoding?: string | undefined
  /** Reads the whole body, or says why not. Not called before the token is checked. */
  readBody(limitBytes: number): Promise<BodyRead>
}

/** A body as text, or why there is none. */
export type BodyRead =
  { readonly text: string } | { readonly failed: 'too large' | 'not UTF-8' | 'cut off' }

/** Answers a request to one of {@link ERASE_PATHS}. Resolves whatever happens. */
export async function receiveErase(
  erasure: Erasure,
  request: EraseRequest,
): Promise<Answer> {
  if (request.method !== 'POST') return methodNotAllowed('POST')
  const denied = denyToken(erasure, request)
  if (denied !== undefined) return denied
  if (request.contentEncoding !== undefined && request.contentEncoding !== 'identity') {
    return refuse(400, 'M_NOT_JSON', 'The request body must not be compressed')
  }
  const read = await request.readBody(MAX_BODY_BYTES)
  if ('failed' in read) return unreadable(read.failed)
  const body = parseEraseBody(read.text)
  if ('errcode' in body) return refuse(400, body.errcode, body.error)
  try {
    await erasure.accept(body.userId)
    return ACKNOWLEDGED
  } catch (error) {
    return explain(erasure, error)
  }
}

/** The answer to a request whose token is missing or wrong, or `undefined` if it is right. */
export function denyToken(erasure: Erasure, sent: PresentedTokens): Answer | undefined {
  switch (erasure.checkToken(sent)) {
    case 'right':
      return undefined
    case 'missing':
      return refuse(401, 'M_MISSING_TOKEN', 'The hs_token is missing')
    case 'wrong':
      return refuse(403, 'M_FORBIDDEN', 'The hs_token is wrong')
  }
}

/** `405` for a path that exists, asked for with another method. */
export function methodNotAllowed(allow: string): Answer {
  return refuse(405, 'M_UNRECOGNIZED', 'Unrecognized method', { allow })
}

function unreadable(why: 'too large' | 'not UTF-8' | 'cut off'): Answer {
  if (why === 'too large') {
    return refuse(413, 'M_TOO_LARGE', `The request body is over ${MAX_BODY_BYTES} bytes`)
  }
  return refuse(400, 'M_NOT_JSON', `The request body is ${why}`)
}

function explain(erasure: Erasure, error: unknown): Answer {
  if (isErasureError(error, 'USER_REFUSED')) {
    return refuse(403, 'M_FORBIDDEN', 'Erasure requests for this user are not accepted')
  }
  erasure.logger.error('An erasure request could not be acknowledged', {
    code: codeOf(error),
  })
  return refuse(503, 'M_UNKNOWN', 'The request could not be stored; send it again', {
    'retry-after': String(RETRY_AFTER_S),
  })
}
