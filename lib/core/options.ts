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
/** When a request becomes overdue: within any month; see `targetMs`. */
export const DEFAULT_TARGET_MS: number = 28 * DAY_MS

/** The options of {@link createErasure}. */
export interface ErasureOptions {
  /**
   * The application service's registration: the path of the YAML file, or the parsed object.
   * The SDK reads only `hs_token`, `hs_token_path`, `sender_localpart`, `url` and `namespaces`.
   */
  readonly registration: string | Registration
  /**
   * The key that encrypts user IDs in the store: 32 bytes, or the path of a file that contains them.
   * A missing file is created with mode 0600; a file that every user of the machine can use is
   * refused. Back it up, apart from the store: without it, open requests cannot be carried out.
   */
  readonly key: string | Uint8Array
  /** Where the SDK keeps open requests, tombstones and records: `sqliteStore({ path })`. */
  readonly store: StoreAdapter
  /** Decides when to work on a request. Default: in this process, four requests at a time. */
  readonly scheduler?: Scheduler
  /**
   * Whether to accept an erasure request for this user; if not, the answer is `403 M_FORBIDDEN`. For
   * an application service that serves one homeserver: `userId => userId.endsWith(':example.org')`.
   * If it does not answer within 10 seconds, it has failed. Default: accept every request.
   */
  readonly allow?: (userId: UserId) => boolean | Promise<boolean>
  /**
   * Whether to erase the application service's own bot and ghosts, too. Default: false: requests for
   * them are acknowledged and recorded as `declined`, because erasing them would break the bridge.
   */
  readonly eraseOwnUsers?: boolean
  /**
   * The homeserver's name, such as `example.org`. The bot and the ghosts are users of this server: a
   * user of another server with a similar name is a person, and can be erased. Default: the bridge's
   * `domain` if you use `attachErasure`, or else the server that the exclusive namespaces name
   * (`@_irc_.*:example\.org`). If the name is unknown, no user counts as the bot or a ghost, and
   * `start` warns of an exclusive namespace without a server. If the name is wrong, the SDK carries
   * out requests for the ghosts and the bot.
   */
  readonly serverName?: string
  /**
   * How long the SDK waits, after a handler's data was found gone, before it verifies again. The
   * second check confirms the handler. All handlers are checked once more, this long after the last
   * one was found empty. Each level of `after` adds one such wait. Default: 900,000 ms (15 minutes),
   * because Synapse retries a failed delivery after at most 512 seconds. Too low: data that a late
   * event re-created is not found. Too high: `erased` comes that much later.
   */
  readonly settleMs?: number
  /**
   * How long, in milliseconds, `isErased` stays true after the user's last open request is finished.
   * From the 200 until then it is always true. Up to one percent is added, so that the tombstone
   * cannot be matched to a record by its end. 0: `isErased` is false as soon as the request is
   * finished. Default: 120 days. Too low: a backup restored later, or a room state reset later, brings
   * the user back. Too high: the SDK keeps a pseudonym of the user for longer.
   */
  readonly tombstoneMs?: number
  /**
   * How long, in milliseconds, the SDK keeps the record of a finished request. 0: it writes none.
   * Default: 730 days.
   */
  readonly recordMs?: number
  /**
   * The age, in milliseconds, at which an open request counts as overdue in `status`. Default: 28
   * days, which is less than the month of GDPR article 12(3), whatever the month.
   */
  readonly targetMs?: number
  /**
   * How often the SDK schedules every open request again. Default: 300,000 ms (5 minutes). Too low:
   * it reads the store for nothing. Too high: a request the scheduler forgot waits that long.
   */
  readonly sweepMs?: number
  /**
   * How long `close` waits for handlers before it aborts them, with the default scheduler.
   * Default: 10,000 ms.
   */
  readonly drainMs?: number
  /** UNSAFE: accept a store that may lose acknowledged requests. Default: false. */
  readonly allowVolatileStore?: boolean
  /** Where log lines go; `console` works. Default: nowhere. */
  readonly logger?: Logger
  /**
   * Called with each event, for metrics. An event contains ids and codes, and nothing about a user.
   * The SDK ignores what it throws and does not wait for it. Default: not called.
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

/** Every option, with its default; the compiler ensures that none is missing. */
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
 * Checks options and fills in defaults. Does not keep the caller's object.
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
  // Sweeps without a pause would keep everything else from using the store.
  const min = name === 'sweepMs' ? 1 : 0
  if (typeof value === 'number' && value >= min && value <= MAX_MS) return
  const got = typeof value === 'number' ? value : typeof value
  throw new TypeError(
    `Expected \`${name}\` to be milliseconds >= ${min} and at most 1000 years, got ${got}`,
  )
}
