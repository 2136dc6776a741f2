import type { Random } from '../../support/seeded-random.ts'
import { canary } from './canary.ts'
import type { TableAnswer } from './table.ts'

/** A request body, and what the table says of it to a client with the right token. */
export interface Body {
  readonly bytes: Buffer
  readonly answer: TableAnswer
  /** Whom it erases. */
  readonly erases?: string
}

const LIMIT_BYTES = 64 * 1024
const NOT_JSON = '400 M_NOT_JSON'
const BAD_JSON = '400 M_BAD_JSON'
const MISSING = '400 M_MISSING_PARAM'
const INVALID = '400 M_INVALID_PARAM'

const text = (json: string, answer: TableAnswer): Body => ({
  bytes: Buffer.from(json),
  answer,
})

/** A body that names `user`, or only looks as if it did. */
export function makeBody(random: Random, user: string): Body {
  const make = random.weighted<(random: Random, user: string) => Body>([
    [10, naming],
    [3, namingTwice],
    [3, namingNobody],
    [3, namingNoUser],
    [2, notAnObject],
    [4, notJson],
    [2, notUtf8],
    [2, deep],
    [2, long],
    [1, namingOurs],
  ])
  return make(random, user)
}

function naming(random: Random, user: string): Body {
  const json = object(random, [member(random, 'user_id', spell(random, user))])
  return { ...text(json, '200 {}'), erases: user }
}

/** Acknowledged, and left alone. */
function namingOurs(random: Random, user: string): Body {
  const ghost = spell(random, user.replace('@', '@_ghost_'))
  return text(object(random, [member(random, 'user_id', ghost)]), '200 {}')
}

function namingTwice(random: Random, user: string): Body {
  const members = ['x', 'y'].map(letter =>
    member(random, 'user_id', spell(random, user.replace(':', `${letter}:`))),
  )
  if (random.chance(0.3)) members.push('"user_id":null')
  return text(object(random, members), BAD_JSON)
}

function namingNobody(random: Random, user: string): Body {
  const name = JSON.stringify(user)
  const inside = random.pick([
    `"User_id":${name}`,
    `"user_id ":${name}`,
    `"\\u0000user_id":${name}`,
    `"__proto__":{"user_id":${name}}`,
    `"constructor":{"prototype":{"user_id":${name}}}`,
    `"a":{"user_id":${name}},"b":[{"user_id":${name}}]`,
    `"a":"user_id","b":"\\"user_id\\":${name.slice(1)}`,
    '',
  ])
  return text(object(random, inside === '' ? [] : [inside]), MISSING)
}

function namingNoUser(random: Random, user: string): Body {
  const json = JSON.stringify(user)
  const [value, answer] = random.pick<readonly [string, TableAnswer]>([
    [`[${json}]`, BAD_JSON],
    [`{"user_id":${json}}`, BAD_JSON],
    ['null', BAD_JSON],
    ['1e400', BAD_JSON],
    ['true', BAD_JSON],
    [json.replace('@', ''), INVALID],
    [json.replace('@', '＠'), INVALID],
    [json.replace('@', ' @'), INVALID],
    [json.replace(':', ''), INVALID],
    [json.replace(':', '\\u0000:'), INVALID],
    [json.replace(':', '\\ud800:'), INVALID],
    [json.replace(':', ':exa mple'), INVALID],
    [json.replace(':', ':/'), INVALID],
    [json.replace(':', `${'ü'.repeat(120)}:`), INVALID],
    [json.replace(':', `${'x'.repeat(random.int(240, 9000))}:`), INVALID],
    ['""', INVALID],
  ])
  return text(object(random, [`"user_id":${value}`]), answer)
}

function notAnObject(random: Random, user: string): Body {
  const json = JSON.stringify(user)
  const values = ['null', '0', 'true', '[]', json, `[{"user_id":${json}}]`]
  return text(pad(random, random.pick(values)), BAD_JSON)
}

function notJson(random: Random, user: string): Body {
  const json = `{"user_id":${JSON.stringify(user)}}`
  const broken = random.pick([
    '',
    json.slice(0, random.int(1, json.length - 1)),
    `\ufeff${json}`,
    `${json},`,
    `${json}${json}`,
    json.replace('}', ',}'),
    json.replaceAll('"', "'"),
    `user_id=${encodeURIComponent(user)}`,
    json.replace('@', '\n@'),
    json.replace('@', '\\x40'),
    json.replace('@', '\0@'),
    `/**/${json}`,
    `{"a":NaN,${json.slice(1)}`,
    `{"a":01,${json.slice(1)}`,
    '['.repeat(random.int(1, 60_000)),
    '{"a":'.repeat(random.int(1, 12_000)),
    `\u00a0${json}`,
  ])
  return text(broken, NOT_JSON)
}

function notUtf8(random: Random, user: string): Body {
  const bad = random.pick(['ff', 'c0af', 'eda080', 'f4908080', '80', 'e282', 'fffe'])
  const [before = '', after = ''] = `{"user_id":${JSON.stringify(user)}}`.split(
    ':example',
  )
  const bytes = [Buffer.from(before), Buffer.from(bad, 'hex'), Buffer.from(after)]
  return { bytes: Buffer.concat(bytes), answer: NOT_JSON }
}

function deep(random: Random, user: string): Body {
  const depth = random.int(100, 10_000)
  const [open, close] = random.pick([
    ['[', ']'],
    ['{"user_id":', '}'],
  ] as const)
  const nest = `${open.repeat(depth)}1${close.repeat(depth)}`.slice(0, LIMIT_BYTES - 500)
  if (nest.length < depth * (open.length + 1) + 1) return text(nest, NOT_JSON)
  const json = `{"a":${nest},"user_id":${JSON.stringify(user)}}`
  return random.chance(0.5)
    ? { ...text(json, '200 {}'), erases: user }
    : text(`[${json}]`, BAD_JSON)
}

function long(random: Random, user: string): Body {
  const json = `{"user_id":${JSON.stringify(user)}}`
  const lengthBytes = random.pick([
    LIMIT_BYTES - 1,
    LIMIT_BYTES,
    LIMIT_BYTES + 1,
    random.int(LIMIT_BYTES, 200_000),
  ])
  const spaces = Buffer.alloc(lengthBytes - Buffer.byteLength(json), ' ')
  const bytes = Buffer.concat([Buffer.from(json), spaces])
  if (lengthBytes > LIMIT_BYTES) return { bytes, answer: '413 M_TOO_LARGE' }
  return { bytes, answer: '200 {}', erases: user }
}

/** `"key":value`, either of them perhaps in escapes. */
function member(random: Random, key: string, value: string): string {
  return `${spell(random, key)}${pad(random, ':')}${value}`
}

/** A JSON string, some of whose characters are escaped. */
function spell(random: Random, value: string): string {
  const rate = random.pick([0, 0, 0.1, 1])
  const units = value.split('').map(unit => {
    if (!random.chance(rate)) return JSON.stringify(unit).slice(1, -1)
    const hex = unit.charCodeAt(0).toString(16).padStart(4, '0')
    return `\\u${random.chance(0.5) ? hex : hex.toUpperCase()}`
  })
  return `"${units.join('')}"`
}

/** An object of these members and of others that do not matter. */
function object(random: Random, members: readonly string[]): string {
  const others = Array.from({ length: random.pick([0, 0, 1, 3]) }, () => {
    const key = random.pick([canary(random), '__proto__', 'constructor', '', 'userId'])
    return `${JSON.stringify(key)}:${json(random, 3)}`
  })
  const all = [...members, ...others].toSorted(() => random() - 0.5)
  return pad(random, `{${pad(random, all.join(pad(random, ',')))}}`)
}

/** Some JSON value. */
function json(random: Random, depth: number): string {
  const flat = ['null', '-0', '1e999', 'false', JSON.stringify(canary(random)), '"\\"{:"']
  if (depth === 0 || random.chance(0.5)) return random.pick(flat)
  const items = Array.from({ length: random.int(0, 3) }, () => json(random, depth - 1))
  if (random.chance(0.5)) return `[${items.join(',')}]`
  return `{${items.map(item => `"user_id":${item}`).join(',')}}`
}

function pad(random: Random, value: string): string {
  const space = random.pick(['', '', '', ' ', '\r\n\t'])
  return `${space}${value}${space}`
}
