import type { ErasureSource, SourceRules } from './source.ts'

/** What holds unless a source says otherwise. */
const DEFAULT_RULES: SourceRules = {
  firstRun: 'accept',
  acceptPerMinute: 600,
  maxPerScan: 1000,
  graceMs: 0,
}
const NAME = /^[a-z0-9]+(?:-[a-z0-9]+)*$/
const METHODS = ['start', 'look', 'close'] as const
/** Longer than anybody waits, and short enough for every date. */
const MAX_GRACE_MS = 366 * 24 * 60 * 60 * 1000

/** @throws TypeError naming what is wrong with which source */
export function checkSources(sources: unknown): asserts sources is ErasureSource[] {
  if (!Array.isArray(sources)) throw new TypeError('Expected `sources` to be an array')
  const names = new Set<string>()
  for (const source of sources as readonly Partial<ErasureSource>[]) {
    const name: unknown = source?.name
    if (typeof name !== 'string' || !NAME.test(name)) {
      throw new TypeError('Expected the name of a source to be `lower-case-words`')
    }
    if (names.has(name)) {
      throw new TypeError(`Two sources are named ${name}; give one another name`)
    }
    names.add(name)
    const missing = METHODS.find(method => typeof source[method] !== 'function')
    if (missing !== undefined) {
      throw new TypeError(`Expected source ${name} to have a method \`${missing}\``)
    }
    resolveRules(name, source.rules)
  }
}

/**
 * The rules of a source, with every default filled in.
 *
 * @throws TypeError naming the rule that is unknown or of the wrong kind
 */
export function resolveRules(
  name: string,
  given: Partial<SourceRules> = {},
): SourceRules {
  const unknown = Object.keys(given).find(rule => !Object.hasOwn(DEFAULT_RULES, rule))
  if (unknown !== undefined) {
    throw new TypeError(`Unknown rule \`${unknown}\` of source ${name}`)
  }
  const set = Object.entries(given).filter(([, value]) => value !== undefined)
  const rules = { ...DEFAULT_RULES, ...Object.fromEntries(set) } as SourceRules
  if (rules.firstRun !== 'accept' && rules.firstRun !== 'baseline') {
    throw new TypeError(
      `Expected \`firstRun\` of source ${name} to be accept or baseline`,
    )
  }
  checkNumber(name, rules, 'acceptPerMinute', 1, 1_000_000)
  checkNumber(name, rules, 'maxPerScan', 1, Number.MAX_SAFE_INTEGER)
  checkNumber(name, rules, 'graceMs', 0, MAX_GRACE_MS)
  return rules
}

function checkNumber(
  name: string,
  rules: SourceRules,
  rule: 'acceptPerMinute' | 'maxPerScan' | 'graceMs',
  min: number,
  max: number,
): void {
  const value: unknown = rules[rule]
  if (typeof value === 'number' && value >= min && value <= max) return
  throw new TypeError(
    `Expected \`${rule}\` of source ${name} to be a number from ${min} to ${max}`,
  )
}
