import type { Logger } from '../host/logger.ts'
import type { UserId } from '../matrix/user-id.ts'
import type { PresentedTokens, TokenVerdict } from '../registration/hs-token.ts'
import type { Accepted } from './erasure.ts'

/** What a door needs of the SDK, as `erasure.door`. Everything else goes through the SDK itself. */
export interface ErasureDoor {
  /**
   * Compares the tokens of a request with the registration's `hs_token`, in constant time. Call it
   * before reading any of the body.
   */
  checkToken(sent: PresentedTokens): TokenVerdict
  /**
   * `erasure.accept` for a user ID that the door has already checked.
   *
   * @throws ErasureError `USER_REFUSED`, `ALLOW_FAILED`, `STORE_UNWRITABLE`, or `CLOSED`
   */
  accept(userId: UserId): Promise<Accepted>
  /**
   * Returns those of these users who are erased. Asks about all of them at once, and once each: with
   * PostgreSQL that is one round trip, however many there are. Ignores strings that are not user IDs.
   *
   * @throws ErasureError `STORE_UNREADABLE`
   */
  findErased(userIds: Iterable<string>): Promise<ReadonlySet<string>>
  /**
   * Tells the SDK the homeserver's name, if the framework knows it. Ignored if the option
   * `serverName` was given.
   *
   * @throws ErasureError `REGISTRATION_INVALID` if an exclusive namespace contains every user there
   */
  learnServerName(serverName: string): void
  /** The SDK's logger. It removes user IDs from every line and never throws. */
  readonly logger: Logger
}
