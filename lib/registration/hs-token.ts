import { hash, timingSafeEqual } from 'node:crypto'

/** How a request's token compares with the registration's `hs_token`. */
export type TokenVerdict = 'right' | 'missing' | 'wrong'

/** The tokens of one request: each `Authorization` header and each `access_token` query value. */
export interface PresentedTokens {
  /** Every `Authorization` header, with its scheme. */
  readonly authorization: readonly string[]
  /** Every value of the query parameter `access_token`. */
  readonly queryTokens: readonly string[]
}

const BEARER = /^bearer +/i

/**
 * Makes the check of the `hs_token`. Only equal-length digests are compared, in constant time,
 * so neither the token's length nor a right beginning shows in how long the check takes.
 *
 * Homeservers send the header, the legacy query parameter, or both; where both are sent, both
 * must match. A header or parameter sent twice is ambiguous and never right.
 *
 * @see https://spec.matrix.org/v1.16/application-service-api/#authorization
 */
export function createTokenCheck(
  hsToken: string,
): (sent: PresentedTokens) => TokenVerdict {
  const expected = digest(hsToken)
  return ({ authorization, queryTokens }) => {
    const tokens = [...queryTokens]
    for (const value of authorization) {
      if (BEARER.test(value)) tokens.push(value.replace(BEARER, ''))
    }
    if (tokens.length === 0) return 'missing'
    const isOnce = authorization.length <= 1 && queryTokens.length <= 1
    const matches = tokens.map(token => timingSafeEqual(digest(token), expected))
    return isOnce && matches.every(Boolean) ? 'right' : 'wrong'
  }
}

function digest(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
