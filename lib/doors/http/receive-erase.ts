import type { ErasureDoor } from '../../core/erasure-door.ts'
import { codeOf, isErasureError } from '../../errors.ts'
import { parseEraseBody } from '../../matrix/erase-body.ts'
import type { PresentedTokens } from '../../registration/hs-token.ts'
import { ACKNOWLEDGED, type Answer, refuse, unavailable } from './answer.ts'

/**
 * The paths of the endpoint. MSC2438 names only the first; the second follows the specification's
 * convention for proposals that are not merged.
 *
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/2438
 */
export const ERASE_PATHS: readonly string[] = [
  '/_matrix/app/v1/users/erase',
  '/_matrix/app/unstable/org.matrix.msc2438/users/erase',
]

/** The longest body we read; a user ID has at most 255 bytes. */
export const MAX_BODY_BYTES: number = 64 * 1024

/** A request to the endpoint, whatever received it. */
export interface EraseRequest extends PresentedTokens {
  /** The method, in capitals, as HTTP spells it. */
  readonly method: string
  /** The `Content-Encoding` header, if there is one and the body is not decoded yet. */
  readonly contentEncoding?: string | undefined
  /**
   * Reads the whole body, or says why it could not. Must stop if the body is longer than
   * `limitBytes`. Called at most once, after the token was checked. If it rejects, the body counts as
   * cut off.
   */
  readBody(limitBytes: number): Promise<BodyRead>
}

/** A body as text, or why there is none. */
export type BodyRead =
  | {
      /** The whole body. */
      readonly text: string
    }
  | {
      /** Why it could not be read. */
      readonly failed: 'too large' | 'not UTF-8' | 'cut off'
    }

const CUT_OFF: BodyRead = { failed: 'cut off' }

/**
 * Answers a request to one of {@link ERASE_PATHS}, following the table in docs/protocol.md. Every
 * door is built on it. Never rejects. If it answers `200`, the request is durable.
 *
 * @param door - `erasure.door`
 */
export async function receiveErase(
  door: ErasureDoor,
  request: EraseRequest,
): Promise<Answer> {
  if (request.method !== 'POST') return methodNotAllowed('POST')
  const denied = denyToken(door, request)
  if (denied !== undefined) return denied
  if (isCompressed(request)) return COMPRESSED
  const read = await request.readBody(MAX_BODY_BYTES).catch(() => CUT_OFF)
  if ('failed' in read) return unreadable(read.failed, MAX_BODY_BYTES)
  const body = parseEraseBody(read.text)
  if ('errcode' in body) return refuse(400, body.errcode, body.error)
  try {
    await door.accept(body.userId)
    return ACKNOWLEDGED
  } catch (error) {
    return explain(door, error)
  }
}

/** Whether the body is still encoded. */
export function isCompressed({ contentEncoding }: EraseRequest): boolean {
  return contentEncoding !== undefined && contentEncoding !== 'identity'
}

/** The answer to a compressed body. */
export const COMPRESSED: Answer = refuse(
  400,
  'M_NOT_JSON',
  'The request body must not be compressed',
)

/** The answer to a request whose token is missing or wrong, or `undefined` if it is right. */
export function denyToken(door: ErasureDoor, sent: PresentedTokens): Answer | undefined {
  switch (door.checkToken(sent)) {
    case 'right':
      return undefined
    case 'missing':
      return refuse(401, 'M_MISSING_TOKEN', 'The hs_token is missing')
    case 'wrong':
      return refuse(403, 'M_FORBIDDEN', 'The hs_token is wrong')
  }
}

/** `405`: the path exists, but not with this method. */
export function methodNotAllowed(allow: string): Answer {
  return refuse(405, 'M_UNRECOGNIZED', 'Unrecognized method', { allow })
}

/** The answer to a request whose body cannot be read. */
export function unreadable(
  why: 'too large' | 'not UTF-8' | 'cut off',
  limitBytes: number,
): Answer {
  if (why === 'too large') {
    return refuse(413, 'M_TOO_LARGE', `The request body is over ${limitBytes} bytes`)
  }
  return refuse(400, 'M_NOT_JSON', `The request body is ${why}`)
}

function explain(door: ErasureDoor, error: unknown): Answer {
  if (isErasureError(error, 'USER_REFUSED')) {
    return refuse(403, 'M_FORBIDDEN', 'Erasure requests for this user are not accepted')
  }
  door.logger.error('An erasure request could not be acknowledged', {
    code: codeOf(error),
  })
  return unavailable('The request could not be stored; send it again')
}
