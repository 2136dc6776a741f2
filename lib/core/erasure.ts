import type { RequestId } from '../request/request-id.ts'
import type { Json, PurgeFunction, PurgeHandler } from '../purge/handler.ts'
import type { ErasureDoor } from './erasure-door.ts'
import type { ErasureStatus } from './read-status.ts'

/** What was made of an erasure request. */
export interface Accepted {
  /** Random, and safe to log. */
  readonly requestId: RequestId
  /** The user is the application service's own and is left alone. */
  readonly declined: boolean
}

/** The SDK: receives, remembers and carries out erasure. Made by `createErasure`. */
export interface Erasure {
  /**
   * Registers what the bridge does about an erased user in one place.
   *
   * @param name - `lower-case-words`; appears in logs, in `status` and in records
   * @throws ErasureError `HANDLER_NAME_TAKEN`, or `ALREADY_STARTED`
   * @throws TypeError if the name or an option is not what it should be
   */
  onUserErase<C extends Json = Json>(
    name: string,
    handler: PurgeHandler<C> | PurgeFunction<C>,
  ): void
  /**
   * Begins to carry out requests, those that were open when the process last ended, too. A start
   * that failed can be tried again.
   *
   * @throws ErasureError `NO_HANDLERS`, `HANDLER_ORDER`, `ALREADY_STARTED`, `CLOSED` if the SDK is
   *   closed meanwhile, or one of the store's
   */
  start(): Promise<void>
  /**
   * Acknowledges an erasure request. When it resolves, the request is durable and `isErased` is
   * true; the purge follows in its own time. What doors call, and an operator's own trigger.
   *
   * @throws ErasureError `USER_ID_INVALID`, `USER_REFUSED`, `ALLOW_FAILED`, `STORE_UNWRITABLE`, or
   *   `CLOSED`
   */
  accept(userId: string): Promise<Accepted>
  /**
   * Whether this user has been erased. If so, drop late events from them. Ask before
   * anything about a user is stored. Not cached: some microseconds with SQLite, a round trip with
   * PostgreSQL. False for what is not a user ID.
   *
   * @throws ErasureError `STORE_UNREADABLE`
   */
  isErased(userId: string): Promise<boolean>
  /**
   * The account was reactivated: `isErased` is false again. Open requests go on, for what there
   * was before.
   *
   * @returns whether the user was marked as erased
   * @throws ErasureError `USER_ID_INVALID`, or `STORE_UNWRITABLE`
   */
  lift(userId: string): Promise<boolean>
  /** Counts, and the open requests by id. Reads the whole store; not for every page view. */
  status(): Promise<ErasureStatus>
  /**
   * Gives the handlers of an open request their attempts back and has them tried at once.
   *
   * @throws ErasureError `REQUEST_UNKNOWN` if there is no such open request
   */
  retry(requestId: string): Promise<void>
  /**
   * Takes no more requests, waits for handlers, aborts them at the deadline, closes the store. Called
   * again, it waits for the same.
   */
  close(): Promise<void>
  /** What a door of your own needs; CONTRIBUTING.md says how to write one. */
  readonly door: ErasureDoor
}
