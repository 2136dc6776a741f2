import type { Clock } from '../host/clock.ts'
import type { Logger } from '../host/logger.ts'
import type { UserId } from '../matrix/user-id.ts'
import type { EmitEvent } from '../request/erasure-event.ts'
import type { SourceDocuments } from '../store/source-documents.ts'
import type { UserSeal } from '../user-seal/user-seal.ts'

/** How a source has found a user. */
export interface Report {
  /** The name of the source. */
  readonly source: string
  /** How long the request waits before the first handler is called, in milliseconds. */
  readonly graceMs: number
  /** The homeserver says that the user belongs to an application service. */
  readonly isGhost: boolean
}

/** What watching needs. */
export interface WatchServices {
  readonly documents: SourceDocuments
  readonly seal: UserSeal
  readonly clock: Clock
  readonly logger: Logger
  readonly emit: EmitEvent
  /**
   * Accepts a user, and notes in the same write that the source has reported them. If it has done so
   * before, nothing happens.
   *
   * @throws ErasureError `USER_REFUSED`, `ALLOW_FAILED`, `STORE_UNWRITABLE`, or `CLOSED`
   */
  accept(userId: UserId, report: Report): Promise<void>
  /**
   * The account is there again: withdraws requests of this source in their grace, and lifts the
   * tombstone. May be called twice.
   */
  restore(userId: UserId, source: string): Promise<void>
  /** The users whose requests of this source wait in their grace; some may come twice. */
  waiting(source: string): AsyncIterable<UserId>
  /** How long `close` waits for a source. */
  readonly drainMs: number
  /** Whether other processes may use the same store. */
  readonly isShared: boolean
}
