import { isServerName } from '../../matrix/user-id.ts'
import { wrongToken } from '../../registration/registration.ts'
import type { SourceRules } from '../../watch/source.ts'
import type { AccessToken } from './access-token.ts'

/** The options of {@link synapse}. */
export interface SynapseOptions extends Partial<SourceRules> {
  /**
   * Where the homeserver's admin API is reached, such as `http://127.0.0.1:8008`. Use the address inside
   * your network: most reverse proxies do not pass `/_synapse/admin` on, and they should not.
   */
  readonly url: string
  /**
   * The access token of a server admin, or where to find it. Without Matrix Authentication Service, the
   * `as_token` of your registration will do, if the bot (`sender_localpart`) is a server admin. With it,
   * the token needs the scope `urn:synapse:admin:*`, which no `as_token` has.
   */
  readonly accessToken: AccessToken
  /** The homeserver's name, such as `example.org`. Only its users are looked at. */
  readonly serverName: string
  /**
   * How often, in milliseconds, the source lists the deactivated accounts. Default: 60,000 (a minute).
   * Too low: the homeserver is busy with lists, though never for more than `maxBusyPercent` of the time.
   * Too high: an erasure that no hint announced is found that much later.
   */
  readonly intervalMs?: number
  /**
   * How often, in milliseconds, the source lists all accounts, because a homeserver that crashed in the
   * middle of a deactivation may count an account as erased and not as deactivated. Default: 3,600,000
   * (an hour). Too low and too high: as with `intervalMs`.
   */
  readonly fullIntervalMs?: number
  /**
   * For how much of the time, in percent, the homeserver may be busy with lists, each kind counted by
   * itself. Default: 1: the next list begins a hundred times as long after the last one as that took,
   * if that is later than the interval. Too low: erasures are found late. Too high: others wait. 100
   * stretches no interval, which is for tests.
   */
  readonly maxBusyPercent?: number
  /**
   * How many accounts the source asks for at a time. Default: 5,000. Too low: every page costs the
   * homeserver as much as the whole list. Too high: the homeserver does nothing else while it makes a
   * page; one of 200,000 takes 3 seconds.
   */
  readonly pageSize?: number
  /** What was reported is kept by it. Default: `synapse`. Two homeservers need two names. */
  readonly name?: string
}

/** Options with every default filled in. */
export interface ResolvedSynapseOptions {
  readonly url: URL
  readonly accessToken: AccessToken
  readonly serverName: string
  readonly intervalMs: number
  readonly fullIntervalMs: number
  readonly maxBusyPercent: number
  readonly pageSize: number
  readonly name: string
  readonly rules: Partial<SourceRules>
}

const DEFAULTS = {
  intervalMs: 60_000,
  fullIntervalMs: 3_600_000,
  maxBusyPercent: 1,
  pageSize: 5000,
  name: 'synapse',
}
const RULES = ['firstRun', 'acceptPerMinute', 'maxPerScan', 'graceMs']
const REQUIRED = ['url', 'accessToken', 'serverName']
/** A page needs one account that is new, and one that the page before has shown. */
const MIN_PAGE = 2
const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const YEAR_MS = 366 * 24 * 60 * 60 * 1000

/**
 * Checks options and fills in defaults. What becomes a {@link SourceRules} is checked by the SDK.
 *
 * @throws TypeError naming the option that is missing, unknown or of the wrong kind, never its value
 */
export function resolveSynapseOptions(options: SynapseOptions): ResolvedSynapseOptions {
  const known = new Set([...REQUIRED, ...Object.keys(DEFAULTS), ...RULES])
  const unknown = Object.keys(options).find(name => !known.has(name))
  if (unknown !== undefined) throw new TypeError(`Unknown option \`${unknown}\``)
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const { url, accessToken, serverName } = options
  const set = { ...DEFAULTS, ...Object.fromEntries(given) }
  if (typeof serverName !== 'string' || !isServerName(serverName))
    throw new TypeError('Expected `serverName` to be a server name, such as example.org')
  checkToken(accessToken)
  if (typeof set.name !== 'string' || !NAME.test(set.name))
    throw new TypeError('Expected `name` to be lower-case-words')
  checkNumber(set, 'intervalMs', 1, YEAR_MS)
  checkNumber(set, 'fullIntervalMs', 1, YEAR_MS)
  checkNumber(set, 'maxBusyPercent', 1, 100)
  checkNumber(set, 'pageSize', MIN_PAGE, 1_000_000)
  const { intervalMs, fullIntervalMs, maxBusyPercent, pageSize, name } = set
  const rules = Object.fromEntries(given.filter(([rule]) => RULES.includes(rule)))
  return {
    url: parseUrl(url),
    accessToken,
    serverName,
    intervalMs,
    fullIntervalMs,
    maxBusyPercent,
    pageSize,
    name,
    rules,
  }
}

function checkToken(token: unknown): void {
  if (typeof token === 'function') return
  if (typeof token === 'object' && token !== null) {
    const { file } = token as { file?: unknown }
    if (typeof file === 'string' && file !== '') return
    throw new TypeError('Expected `accessToken` to name a `file`')
  }
  const wrong = wrongToken(token)
  if (wrong !== undefined) throw new TypeError(`\`accessToken\` ${wrong}`)
}

function checkNumber(
  options: object,
  name: keyof typeof DEFAULTS,
  least: number,
  most: number,
): void {
  const value: unknown = (options as Record<string, unknown>)[name]
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return
  throw new TypeError(
    `Expected \`${name}\` to be a whole number from ${least} to ${most}`,
  )
}

/** A name and a password in a URL would stand in logs of others. */
function parseUrl(text: unknown): URL {
  const url = typeof text === 'string' ? URL.parse(text) : null
  const isFine =
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    `${url.username}${url.password}${url.search}${url.hash}` === ''
  if (!isFine)
    throw new TypeError('Expected `url` to be a URL, such as http://127.0.0.1:8008')
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}
