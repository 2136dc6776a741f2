import type { Clock } from '../host/clock.ts'
import type { Logger } from '../host/logger.ts'
import type { UserId } from '../matrix/user-id.ts'
import type { Json } from '../purge/handler.ts'
import type { SourceCode } from '../request/erasure-event.ts'

export type { SourceCode }

/** What a homeserver says about an account in a list. */
export interface Account {
  /** As the homeserver wrote it; a string that is not a user ID is ignored. */
  readonly userId: string
  /** Whether the homeserver counts the user as erased. Nothing else decides. */
  readonly erased: boolean
  /** Erased, but not deactivated: the homeserver crashed in the middle of a deactivation. */
  readonly halfFinished?: boolean
}

/** What a homeserver says about one account when it is asked about that account alone. */
export type AccountState =
  /** It counts as erased. */
  | 'erased'
  /** It counts as erased, and belongs to an application service: a ghost or a bot. */
  | 'erased ghost'
  /** It exists, and does not count as erased. */
  | 'present'
  /** The homeserver does not know it, or it is a user of another homeserver. */
  | 'unknown'

/** How reports of a source are carried out. */
export interface SourceRules {
  /**
   * What happens to users who were erased before the source ran for the first time. `accept`: each is
   * accepted, at most `acceptPerMinute`. `baseline`: none is; they are noted as reported. Default:
   * `accept`, because erasing is idempotent, and the duty to erase does not lapse with time.
   */
  readonly firstRun: 'accept' | 'baseline'
  /**
   * How many requests a minute are made of the users found at the first run. Default: 600. Too low: it
   * takes days. Too high: handlers and database are busy with nothing else.
   */
  readonly acceptPerMinute: number
  /**
   * How many users one scan may have erased. If it finds more, it erases nobody and waits for an
   * operator (`matrix-appservice-erasure sources allow NAME`): a broken or hostile homeserver must not
   * empty a bridge. The first scan is no exception: on a homeserver with years of deactivations, the
   * operator allows it once. Default: 1,000. Too low: an operator is asked for nothing. Too high: the
   * homeserver's mistake erases that many.
   */
  readonly maxPerScan: number
  /**
   * How long, in milliseconds, a request waits before the first handler is called. If the account is
   * reactivated meanwhile, the request is withdrawn. Events of the user are guarded from the beginning.
   * Default: 0.
   */
  readonly graceMs: number
}

/**
 * Finds out about erasures by asking. Give it to `createErasure` as one of `sources`. Several processes
 * may have the same sources; only one of them watches at a time.
 */
export interface ErasureSource {
  /** `lower-case-words`, unique; what was reported is kept by it. Do not change it later. */
  readonly name: string
  /** Default: those of {@link SourceRules}. */
  readonly rules?: Partial<SourceRules>
  /**
   * Begins to watch, and resolves. Does not wait for the homeserver and does not fail because it is
   * away: that is what `sink.failed` is for. Called again after `close` when this process becomes the
   * one that watches.
   */
  start(sink: ErasureSink): Promise<void>
  /**
   * Asks about one account. Works whether or not the source watches: a process that sees a sign of an
   * erasure looks itself, although another one watches.
   *
   * @throws SourceError if the homeserver could not be asked
   */
  look(userId: UserId, signal: AbortSignal): Promise<AccountState>
  /** Stops watching; resolves when nothing is running any more. */
  close(): Promise<void>
}

/**
 * What a source reports to. It decides who is new, holds back what is too much, and accepts: a source
 * only lists and looks. An erasure is accepted only after `look` has said that the user is erased,
 * once for each erasure, across restarts and processes.
 */
export interface ErasureSink {
  /** The SDK's clock. */
  readonly clock: Clock
  /** The SDK's logger; it removes user IDs and tokens from every line. */
  readonly logger: Logger
  /** Aborts when the source is to stop. */
  readonly signal: AbortSignal
  /**
   * Takes a whole list of accounts. Accepts those that are erased and were not reported before; has
   * those looked at that were reported and are listed as not erased. An account that is not in the
   * list is left alone: absence proves nothing. Resolves when every new one that is not throttled is
   * accepted. Rejects with what the list or `look` throws, or with the `STORE_` error of the store;
   * the source notes that as a failure and lists again.
   *
   * The first list that is read to its end decides who was erased before the source came (`firstRun`):
   * if you have several, begin with the one that contains the others.
   */
  compare(accounts: AsyncIterable<Account>): Promise<void>
  /**
   * Looks at one user now, and acts on the answer. For sources that are told who changed. Between two
   * scans, this may erase no more users than `maxPerScan`; the next scan decides about the others.
   */
  check(userId: string): Promise<void>
  /** The last scan failed. Logged once per change, and shown in `status`. */
  failed(code: Exclude<SourceCode, 'SOURCE_HELD_BACK'>): Promise<void>
  /** The last scan was complete. */
  succeeded(): Promise<void>
  /** Where the source is, for one that goes by an order; `undefined` at first. */
  cursor(): Promise<Json | undefined>
  /** Stores it durably. */
  setCursor(value: Json): Promise<void>
}

/** What `look` and lists throw: a code, and nothing of the answer. */
export class SourceError extends Error {
  /** Always `SourceError`. */
  override readonly name = 'SourceError'
  /** Why the source does not see. */
  readonly code: Exclude<SourceCode, 'SOURCE_HELD_BACK'>

  /** @param message - must contain neither a token nor a user ID */
  constructor(code: SourceError['code'], message: string) {
    super(message)
    this.code = code
  }
}
