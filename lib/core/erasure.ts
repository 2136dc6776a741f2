import type { RequestId } from '../request/request-id.ts'
import type { Json, PurgeFunction, PurgeHandler } from '../purge/handler.ts'
import type { ErasureDoor } from './erasure-door.ts'
import type { ErasureStatus } from './read-status.ts'

/** What the SDK did with an erasure request. */
export interface Accepted {
  /** Random, and safe to log. */
  readonly requestId: RequestId
  /** True if the user is the application service's own bot or ghost, and so is not erased. */
  readonly declined: boolean
}

/** The SDK: receives, stores and carries out erasure requests. Made by `createErasure`. */
export interface Erasure {
  /**
   * Registers a purge handler, which removes users from one place where the bridge keeps them.
   *
   * @param name - `lower-case-words`; appears in logs, in `status` and in records
   * @throws ErasureError `HANDLER_NAME_TAKEN`, or `ALREADY_STARTED`
   * @throws TypeError if the name or an option is invalid
   */
  onUserErase<C extends Json = Json>(
    name: string,
    handler: PurgeHandler<C> | PurgeFunction<C>,
  ): void
  /**
   * Starts carrying out requests, including those that were open when the process last ended. If it
   * fails, you may call it again.
   *
   * @throws ErasureError `NO_HANDLERS`, `HANDLER_ORDER`, `ALREADY_STARTED`, `CLOSED` if the SDK is
   *   closed meanwhile, or an error of the store
   */
  start(): Promise<void>
  /**
   * Accepts an erasure request. When it resolves, the request is durable and `isErased` is true; the
   * purge follows later. Doors call it, and so can your own trigger, such as an admin command.
   *
   * @throws ErasureError `USER_ID_INVALID`, `USER_REFUSED`, `ALLOW_FAILED`, `STORE_UNWRITABLE`, or
   *   `CLOSED`
   */
  accept(userId: string): Promise<Accepted>
  /**
   * Whether this user has been erased. If so, drop late events from them. Ask before you store
   * anything about a user. Not cached: it costs some microseconds with SQLite, a round trip with
   * PostgreSQL. False if `userId` is not a user ID.
   *
   * @throws ErasureError `STORE_UNREADABLE`
   */
  isErased(userId: string): Promise<boolean>
  /**
   * Call it when an account is reactivated: `isErased` becomes false again. Open requests go on, and
   * remove what was stored before them.
   *
   * @returns whether the user was marked as erased
   * @throws ErasureError `USER_ID_INVALID`, or `STORE_UNWRITABLE`
   */
  lift(userId: string): Promise<boolean>
  /** Counts requests and lists the open ones. It reads the whole store: do not call it often. */
  status(): Promise<ErasureStatus>
  /**
   * Resets the attempts of an open request's handlers and tries them again at once.
   *
   * @throws ErasureError `REQUEST_UNKNOWN` if there is no such open request
   */
  retry(requestId: string): Promise<void>
  /**
   * Accepts no more requests, waits for handlers, aborts them at the deadline, and closes the store.
   * Every further call returns the same promise.
   */
  close(): Promise<void>
  /** Everything you need to write your own door; CONTRIBUTING.md says how. */
  readonly door: ErasureDoor
}
