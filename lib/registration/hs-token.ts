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
 * The `hs_token`, as a digest that only this class can read: tokens are compared here and nowhere
 * else. It compares only digests of equal length, in constant time, so the time it takes reveals
 * neither the token's length nor how much of a guess is right.
 */
export class HsToken {
  readonly #digest: Buffer

  /** @param token - the registration's `hs_token`; the caller need not keep it */
  constructor(token: string) {
    this.#digest = digest(token)
  }

  /**
   * Judges what a request presents. Homeservers send the header, the legacy query parameter, or
   * both; where a request has both, both must be right. A header or parameter sent twice is
   * ambiguous and never right.
   *
   * @see https://spec.matrix.org/v1.16/application-service-api/#authorization
   */
  judge({ authorization, queryTokens }: PresentedTokens): TokenVerdict {
    const tokens = [...queryTokens]
    for (const value of authorization) {
      if (BEARER.test(value)) tokens.push(value.replace(BEARER, ''))
    }
    if (tokens.length === 0) return 'missing'
    const isOnce = authorization.length <= 1 && queryTokens.length <= 1
    const matches = tokens.map(token => timingSafeEqual(digest(token), this.#digest))
    return isOnce && matches.every(Boolean) ? 'right' : 'wrong'
  }
}

function digest(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}
