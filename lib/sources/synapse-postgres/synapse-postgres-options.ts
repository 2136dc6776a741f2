import { isServerName } from '../../matrix/user-id.ts'
import type { SourceRules } from '../../watch/source.ts'

/** The options of {@link synapsePostgres}. */
export interface SynapsePostgresOptions extends Partial<SourceRules> {
  /**
   * `postgres://user:password@host:port/database`: the database of Synapse, by a role that may read
   * `erased_users` and `cache_invalidation_stream_by_instance` and nothing else. Through a connection
   * pooler the source works, but hears no notifications. A standby that lags behind shows an erasure
   * as late as it lags.
   */
  readonly connectionString: string
  /** The homeserver's name, such as `example.org`. Only its users are looked at. */
  readonly serverName: string
  /**
   * How often, in milliseconds, the source reads what has changed, and the whole list of erased users.
   * Default: 10,000. The whole list is read for at most one percent of the time. Too low: the
   * database answers for nothing. Too high: without the trigger, an erasure is found that much later.
   */
  readonly intervalMs?: number
  /** What was reported is kept by it. Default: `synapse-postgres`. Two homeservers need two names. */
  readonly name?: string
}

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly connectionString: string
  readonly serverName: string
  readonly intervalMs: number
  readonly name: string
  readonly rules: Partial<SourceRules>
}

const DEFAULTS = { intervalMs: 10_000, name: 'synapse-postgres' }
const RULES = ['firstRun', 'acceptPerMinute', 'maxPerScan', 'graceMs']
const KNOWN = new Set(['connectionString', 'serverName', 'intervalMs', 'name', ...RULES])
const MIN_INTERVAL_MS = 100
const YEAR_MS = 366 * 24 * 60 * 60 * 1000
/** A URL, or the path of a socket's folder. pg takes any other text for the name of a database. */
const SCHEME = /^(?:postgres(?:ql)?:|socket:|\/)/i

/**
 * Checks options and fills in defaults. The name and what becomes a {@link SourceRules} are checked by
 * the SDK.
 *
 * @throws TypeError naming the option that is missing, unknown or of the wrong kind, never its value
 */
export function resolveOptions(options: SynapsePostgresOptions): ResolvedOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const unknown = given.find(([name]) => !KNOWN.has(name))
  if (unknown !== undefined) throw new TypeError(`Unknown option \`${unknown[0]}\``)
  const { connectionString, serverName } = options
  if (!isConnectionString(connectionString)) {
    throw new TypeError(
      'Expected `connectionString` to be postgres://user:password@host:port/database; ' +
        'percent-encode special characters in the password',
    )
  }
  if (typeof serverName !== 'string' || !isServerName(serverName)) {
    throw new TypeError('Expected `serverName` to be a server name, such as example.org')
  }
  const { intervalMs, name } = { ...DEFAULTS, ...Object.fromEntries(given) }
  if (!(intervalMs >= MIN_INTERVAL_MS && intervalMs <= YEAR_MS)) {
    throw new TypeError(
      `Expected \`intervalMs\` to be a number from ${MIN_INTERVAL_MS} to ${YEAR_MS}`,
    )
  }
  const rules = Object.fromEntries(given.filter(([rule]) => RULES.includes(rule)))
  return { connectionString, serverName, intervalMs, name, rules }
}

function isConnectionString(value: unknown): boolean {
  if (typeof value !== 'string' || !SCHEME.test(value)) return false
  return value.startsWith('/') || URL.canParse(value)
}
