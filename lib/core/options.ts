import { type Clock, systemClock } from '../host/clock.ts'
import { type Logger, silentLogger } from '../host/logger.ts'
import type { Registration } from '../registration/registration.ts'
import type { ErasureEvent } from '../request/erasure-event.ts'
import { isServerName, type UserId } from '../matrix/user-id.ts'
import { DEFAULT_DRAIN_MS, type Scheduler } from '../schedule/scheduler.ts'
import type { StoreAdapter } from '../store/adapter.ts'

const MINUTE_MS = 60 * 1000
const DAY_MS = 24 * 60 * MINUTE_MS
/** A longer time would end beyond what a date can hold. */
const MAX_MS = 1000 * 366 * DAY_MS
/** When a request becomes overdue: within any month, see `targetMs`. */
export const DEFAULT_TARGET_MS: number = 28 * DAY_MS

/** What {@link createErasure} takes. */
export interface ErasureOptions {
  /**
   * The application service's registration: the path of the YAML file, or the parsed object.
   * Only `hs_token`, `hs_token_path`, `sender_localpart`, `url` and `namespaces` are read.
   */
  readonly registration: string | Registration
  /**
   * The key that seals users in the store: 32 bytes, or the path of a file that holds them. The
   * file is made with mode 0600 if missing, and refused if every user of the machine can read it.
   * Keep a copy apart from the store's: without it open requests cannot be carried out.
   */
  readonly key: string | Uint8Array
  /** Where open requests, tombstones and records are kept: `sqliteStore({ path })`. */
  readonly store: StoreAdapter
  /** Decides when a request is worked on. Default: in this process, four at a time. */
  readonly scheduler?: Scheduler
  /**
   * Whether this user's erasure is accepted; a refusal is answered `403 M_FORBIDDEN`. For an
   * application service that serves one homeserver: `userId => userId.endsWith(':example.org')`.
   * One that does not answer within 10 seconds has failed. Default: everybody's.
   */
  readonly allow?: (userId: UserId) => boolean | Promise<boolean>
  /**
   * Carry out erasure also for the application service's own bot and ghosts. Default: false:
   * acknowledged, recorded as `declined`, and left alone, because it would break the bridge.
   */
  readonly eraseOwnUsers?: boolean
  /**
   * The homeserver's name, such as `example.org`. The bot and the ghosts are users of this server:
   * somebody elsewhere with a name like theirs is a person, and is erased. Default: what
   * `attachErasure` finds in the bridge's `domain`, or else what the exclusive namespaces name
   * (`@_irc_.*:example\.org`). Where nobody names it, nobody counts as the bot or a ghost, and
   * `start` warns of an exclusive namespace without a server. Wrong: requests for ghosts and the bot
   * are carried out.
   */
  readonly serverName?: string
  /**
   * How long after a handler was found empty it is verified again, which confirms it; and all
   * together after the last one. Each level of `after` takes that long. Default: 900,000 ms (15
   * minutes): Synapse delivers late events at most 512 seconds after it failed to. Too low: what
   * a late event re-created is not found. Too high: `erased` comes that much later.
   */
  readonly settleMs?: number
  /**
   * How long `isErased` goes on answering true once the user's last open request is finished; it is
   * true from the 200 until then, however long that takes. Up to a hundredth more, so that its end
   * cannot be matched with a record. 0: until the request is finished. Default: 120 days. Too low: a
   * backup restored or a room state reset later brings the user back. Too high: a pseudonym of
   * the user is kept for longer.
   */
  readonly tombstoneMs?: number
  /** How long a record of a finished request is kept; 0: none is written. Default: 730 days. */
  readonly recordMs?: number
  /**
   * After how long an open request counts as overdue in `status`. Default: 28 days, which is
   * within the month of GDPR article 12(3) whatever the month.
   */
  readonly targetMs?: number
  /**
   * How often every open request is scheduled again. Default: 300,000 ms (5 minutes). Too low:
   * the store is read for nothing. Too high: what a scheduler forgot waits that long.
   */
  readonly sweepMs?: number
  /**
   * How long `close` lets handlers finish before it aborts them; for the default scheduler.
   * Default: 10,000 ms.
   */
  readonly drainMs?: number
  /** UNSAFE: accept a store that may lose acknowledged requests. Default: false. */
  readonly allowVolatileStore?: boolean
  /** Where log lines go; `console` fits. Default: nowhere. */
  readonly logger?: Logger
  /**
   * Told what happens, for metrics: facts with ids and codes, nothing of a user. What it throws is
   * ignored, and nothing waits for it. Default: nobody is told.
   */
  readonly onEvent?: (event: ErasureEvent) => void
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

type WithoutDefault =
  'registration' | 'key' | 'store' | 'scheduler' | 'allow' | 'serverName' | 'onEvent'

/** Options with every default filled in. */
export type ResolvedOptions = Pick<ErasureOptions, WithoutDefault> &
  Required<Omit<ErasureOptions, WithoutDefault>>

/** Every option, with its default; the compiler sees to it that none is missing. */
const OPTIONS: {
  readonly [Name in keyof Required<ErasureOptions>]: Name extends WithoutDefault
    ? undefined
    : Required<ErasureOptions>[Name]
} = {
  registration: undefined,
  key: undefined,
  store: undefined,
  scheduler: undefined,
  allow: undefined,
  eraseOwnUsers: false,
  serverName: undefined,
  settleMs: 15 * MINUTE_MS,
  tombstoneMs: 120 * DAY_MS,
  recordMs: 730 * DAY_MS,
  targetMs: DEFAULT_TARGET_MS,
  sweepMs: 5 * MINUTE_MS,
  drainMs: DEFAULT_DRAIN_MS,
  allowVolatileStore: false,
  logger: silentLogger,
  onEvent: undefined,
  clock: systemClock,
}

/**
 * Checks options and fills in defaults; the caller's object is not kept.
 *
 * @throws TypeError naming the option that is missing, unknown or of the wrong kind
 */
export function resolveOptions(options: ErasureOptions): ResolvedOptions {
  const unknown = Object.keys(options).find(name => !Object.hasOwn(OPTIONS, name))
  if (unknown !== undefined) throw new TypeError(`Unknown option \`${unknown}\``)
  if (typeof options.store?.get !== 'function') {
    throw new TypeError('Expected `store` to be a store, such as sqliteStore({ path })')
  }
  if (typeof options.key !== 'string' && !(options.key instanceof Uint8Array)) {
    throw new TypeError('Expected `key` to be a path or a Uint8Array of 32 bytes')
  }
  if (options.serverName !== undefined && !isServerName(options.serverName)) {
    throw new TypeError('Expected `serverName` to be a server name, such as example.org')
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const set = Object.fromEntries(given) as unknown as ErasureOptions
  const resolved = { ...OPTIONS, ...set } as ResolvedOptions
  for (const [name, value] of Object.entries(resolved)) {
    if (name.endsWith('Ms')) checkDuration(name, value)
  }
  return Object.freeze(resolved)
}

function checkDuration(name: string, value: unknown): void {
  // A sweep after no time at all would never let anybody else have the store.
  const min = name === 'sweepMs' ? 1 : 0
  if (typeof value === 'number' && value >= min && value <= MAX_MS) return
  const got = typeof value === 'number' ? value : typeof value
  throw new TypeError(
    `Expected \`${name}\` to be milliseconds >= ${min} and at most 1000 years, got ${got}`,
  )
}
