import type { Random } from '../../support/seeded-random.ts'
import { canary } from './canary.ts'

/** Whose answer a request gets. */
export type Place = 'erase' | 'ping' | 'transaction' | 'other'

/** A request target, and what it leads to. */
export interface Target {
  readonly target: string
  readonly place: Place
}

const ERASE_PATHS = [
  '/_matrix/app/v1/users/erase',
  '/_matrix/app/unstable/org.matrix.msc2438/users/erase',
] as const

/** A target in one of the spellings that lead to the endpoint, with `query` in its query. */
export function eraseTarget(random: Random, query: readonly string[]): Target {
  const path = random.pick(ERASE_PATHS)
  const authority = random.pick([
    'localhost',
    'example.org:8448',
    `${canary(random)}.org`,
  ])
  const origin = random.weighted([
    [6, ''],
    [1, `http://${authority}`],
    [1, `https://${authority}`],
    [1, `HTTP://user:${canary(random)}@${authority}`],
  ])
  return { target: origin + path + queryOf(random, query), place: 'erase' }
}

/** A target that leads elsewhere, as close to the endpoint as may be. */
export function otherTarget(random: Random, query: readonly string[]): Target {
  const path = random.pick(ERASE_PATHS)
  const name = canary(random)
  const [target, place = 'other'] = random.pick<readonly [string, Place?]>([
    ['/'],
    [`${path}/`],
    [`/${path}`],
    [`//${name}.org${path}`],
    [path.toUpperCase()],
    [path.replace('erase', 'ERASE')],
    [path.replace('erase', '%65rase')],
    [`/${path.slice(1).replaceAll('/', '%2f')}`],
    [path.replace('/users', '%2Fusers')],
    [path.replace('/users', '/./users')],
    [path.replace('/users', `/${name}/../users`)],
    [path.replace('/users', '/%2e%2e/v1/users')],
    [path.replace('/users', '//users')],
    [`${path};${name}=1`],
    [`${path}%00`],
    [`${path}%20`],
    [`${path}%3faccess_token=x`],
    [`${path}#${name}`],
    [`${path.replace('/users/', '\\users\\')}#`],
    [`${path}.json`],
    [`/_matrix/app/v1/users/@${name}:example.org`],
    [`/_matrix/app/v1/rooms/%23${name}:example.org`],
    [`/users/${name}`],
    [`/${name.repeat(random.int(1, 560))}`],
    [`/${'../'.repeat(random.int(1, 50))}${path.slice(1)}`],
    [`/${'%'.repeat(random.int(1, 50))}${name}`],
    ['/__proto__/constructor'],
    ['/_matrix/app/v1/ping', 'ping'],
    [`/_matrix/app/v1/transactions/${name}`, 'transaction'],
    ['/_matrix/app/v1/transactions/%ff', 'transaction'],
    ['/_matrix/app/v1/transactions/'],
    ['/_matrix/app/v1/ping/'],
  ])
  return { target: target + queryOf(random, query), place }
}

/** Targets that a client should not send, and about which only a Matrix error is promised. */
export function oddTarget(random: Random, query: readonly string[]): string {
  const path = random.pick(ERASE_PATHS)
  const name = canary(random)
  const target = random.pick([
    `http://%@${name}${path}`,
    `http://[::${path}`,
    `http://[${name}]${path}`,
    `http://${name}:99999999${path}`,
    `http://${name}:x${path}`,
    `http://a%5b${name}${path}`,
    `http://${'a'.repeat(300)}.${name}${path}`,
    `http://xn--${name}${path}`,
    `http://${path}`,
    `http:${path}`,
    `ftp://${name}${path}`,
    `javascript:${path}`,
    `http://${name}?${path}`,
    `http://${name}\\${path}`,
    `http://${name}`,
    '*',
    `${name}:443`,
    path.slice(1),
    `?${name}`,
    `#${path}`,
    `${path}\u00a0`,
    `${path}\t`,
    `${path}\0`,
    `${path}\r`,
    `${path} ${name}`,
    `/\u00e9${name}`,
    `/${Buffer.from('ü中👍').toString('latin1')}`,
    `/${name.repeat(random.int(560, 2000))}`,
    `\\\\${name}${path}`,
    '',
  ])
  return target + queryOf(random, query)
}

function queryOf(random: Random, parts: readonly string[]): string {
  const noise = () =>
    random.pick([`a=${canary(random)}`, '%', '%00', '__proto__=1', '=', ''])
  const all = random.chance(0.3) ? [noise(), ...parts, noise()] : parts
  if (all.length > 0) return `?${all.join('&')}`
  return random.chance(0.1) ? '?' : ''
}
