import type { Logger } from '../host/logger.ts'
import type { UserId } from '../matrix/user-id.ts'
import type { PresentedTokens, TokenVerdict } from '../registration/hs-token.ts'
import type { Accepted } from './erasure.ts'

/** What a door needs of the SDK, as `erasure.door`. Everything else goes through the SDK itself. */
export interface ErasureDoor {
  /**
   * Compares the tokens of a request with the registration's `hs_token`, in constant time. A door
   * asks before it reads a byte of the body.
   */
  checkToken(sent: PresentedTokens): TokenVerdict
  /**
   * `erasure.accept` for a user ID that the door has checked already.
   *
   * @throws ErasureError `USER_REFUSED`, `ALLOW_FAILED`, `STORE_UNWRITABLE`, or `CLOSED`
   */
  accept(userId: UserId): Promise<Accepted>
  /**
   * Which of these users were erased. Asks for all of them at once, each once: one round trip with
   * PostgreSQL, however many they are. What is not a user ID is never among the answers.
   *
   * @throws ErasureError `STORE_UNREADABLE`
   */
  findErased(userIds: Iterable<string>): Promise<ReadonlySet<string>>
  /**
   * Takes the homeserver's name from a framework that knows it, unless `serverName` was given.
   *
   * @throws ErasureError `REGISTRATION_INVALID` if an exclusive namespace holds everybody there
   */
  learnServerName(serverName: string): void
  /** The SDK's logger. It takes user IDs out of every line and never throws. */
  readonly logger: Logger
}
