/** Where the server listens, and how patient it is. */
export interface ListenOptions {
  /** The port. 0: any free port. Default: 9009. */
  readonly port?: number
  /** The host. Default: 127.0.0.1, because the homeserver is usually on the same machine. */
  readonly host?: string
  /**
   * How long a client may take to send a request's headers; checked once a second. Default: 10,000
   * ms, or `requestTimeoutMs` if that is less. Too low: slow networks are cut off. Too high: idle
   * connections pile up.
   */
  readonly headersTimeoutMs?: number
  /**
   * How long a client may take to send a whole request, headers included; checked once a second.
   * Default: 30,000 ms. Too low: slow networks are cut off. Too high: unfinished requests pile up.
   */
  readonly requestTimeoutMs?: number
  /**
   * How long `close` waits for the answers to requests that have arrived. Default: 10,000 ms. Too
   * low: the homeserver must send them again. Too high: an `allow` that hangs delays the shutdown.
   */
  readonly drainMs?: number
}

const DEFAULTS = {
  port: 9009,
  host: '127.0.0.1',
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  drainMs: 10_000,
}
/** The longest delay a Node timer can hold; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

/**
 * Checks options and fills in defaults.
 *
 * @throws TypeError naming the option that is unknown or of the wrong kind
 */
export function resolveListenOptions(options: ListenOptions): Required<ListenOptions> {
  const unknown = Object.keys(options).find(name => !Object.hasOwn(DEFAULTS, name))
  if (unknown !== undefined) throw new TypeError(`Unknown option \`${unknown}\``)
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const resolved: Required<ListenOptions> = {
    ...DEFAULTS,
    ...Object.fromEntries(given),
  }
  // For Node, 0 means no limit.
  checkMs(resolved, 'headersTimeoutMs', 1)
  checkMs(resolved, 'requestTimeoutMs', 1)
  checkMs(resolved, 'drainMs', 0)
  const { headersTimeoutMs, requestTimeoutMs } = resolved
  return {
    ...resolved,
    headersTimeoutMs: Math.min(headersTimeoutMs, requestTimeoutMs),
  }
}

function checkMs(
  options: Required<ListenOptions>,
  name: 'headersTimeoutMs' | 'requestTimeoutMs' | 'drainMs',
  least: number,
): void {
  const value: unknown = options[name]
  const isFine = Number.isInteger(value) && Number(value) >= least
  if (isFine && Number(value) <= MAX_DELAY_MS) return
  throw new TypeError(
    `Expected \`${name}\` to be whole milliseconds from ${least} to ${MAX_DELAY_MS}`,
  )
}
