import { gzipSync } from 'node:zlib'

import { frame, frameNothing, noise } from './framing.ts'
import { type Body, makeBody } from './hostile-json.ts'
import type { Random } from '../../support/seeded-random.ts'
import { canary, CANARY } from './canary.ts'
import type { TableAnswer } from './table.ts'
import { eraseTarget, otherTarget, type Place, type Target } from './targets.ts'
import { badToken, rightToken, type SentToken } from './tokens.ts'

/** A request that was made up. */
export interface Made {
  readonly bytes: Buffer
  /** What has to be answered. Without it: anything in the table, or an end of the connection. */
  readonly answer?: TableAnswer
  readonly place: Place
  readonly isHead: boolean
  /** Nothing behind it needs an answer. */
  readonly isLast: boolean
  /** The user of a request that may be carried out. */
  readonly erases?: string
  /** Everybody else it names. */
  readonly spares: readonly string[]
  /** Where a hidden part begins: writes are split there. */
  readonly splitAt?: number
}

/** A request before it becomes bytes. */
export interface Parts {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly headers: readonly string[]
  readonly payload: Buffer
}

export function render({ method, target, version, headers, payload }: Parts): Buffer {
  const head = [`${method} ${target} ${version}`, ...headers, '', ''].join('\r\n')
  return Buffer.concat([Buffer.from(head, 'latin1'), payload])
}

const OTHER_METHODS = [
  ...['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'QUERY', 'PROPFIND'],
  ...['M-SEARCH', 'PURGE', 'SOURCE', 'SUBSCRIBE', 'MKCALENDAR', 'LINK', 'ACL', 'BIND'],
]

/** Makes the user of a request; nobody else has that name. */
export function makeUser(random: Random, connection: number, request: number): string {
  const odd = random.pick(['', '', '', 'Ü', '👍', '"\\', '/+%', ' ', '=_', '\u200b'])
  return `@${CANARY}-${connection.toString(36)}-${request}${odd}:example.org`
}

/** What kind of request is wanted. */
export interface Wanted {
  readonly user: string
  /** With the right token, perhaps. */
  readonly mayBeRight: boolean
  /** Nothing follows, so that it does not matter whether it ends the connection. */
  readonly isFinal: boolean
}

/** A request that is well-formed, whatever it asks for. */
export function makeRequest(random: Random, wanted: Wanted): Made {
  const { user, isFinal } = wanted
  const token = makeToken(random, wanted)
  const makeTarget = random.chance(isFinal ? 0.6 : 0.93) ? eraseTarget : otherTarget
  const { target, place } = makeTarget(random, token.query)
  const method = random.chance(0.85) ? methodOf(place) : random.pick(OTHER_METHODS)
  const body = makeBody(random, user)
  const { coding, content } = encode(random, body)
  const asked = { method, place, token, body, isEncoded: content !== body.bytes }
  // A body that nobody reads ends the connection, so that requests behind it are lost.
  const hasBody = isRead(asked) || random.chance(isFinal ? 0.6 : 0.05)
  const { headers, payload } = hasBody ? frame(random, content) : frameNothing(random)
  const { version, ending } = makeEnding(random, isFinal)
  const lines = [
    `Host: ${canary(random)}.org`,
    ...noise(random),
    ...token.headers,
    ...coding,
    ...headers,
    ...(random.chance(0.04) ? ['Expect: 100-continue'] : []),
    ...ending,
  ]
  const bytes = render({ method, target, version, headers: lines, payload })
  const isLong = bytes.length - payload.length > 12_000
  return {
    bytes,
    place,
    isHead: method === 'HEAD',
    isLast: ending.length > 0 || isLong,
    ...(isLong ? effectOfLong(body, user) : effectOf(asked, user)),
  }
}

function makeToken(random: Random, { mayBeRight }: Wanted): SentToken {
  return mayBeRight && random.chance(0.6) ? rightToken(random) : badToken(random)
}

interface Ending {
  readonly version: string
  readonly ending: readonly string[]
}

function makeEnding(random: Random, isFinal: boolean): Ending {
  return random.weighted<Ending>([
    [isFinal ? 88 : 97, { version: 'HTTP/1.1', ending: [] }],
    [isFinal ? 10 : 1, { version: 'HTTP/1.1', ending: ['Connection: close'] }],
    [2, { version: 'HTTP/1.0', ending: ['Connection: close'] }],
  ])
}

type Effect = Pick<Made, 'answer' | 'erases' | 'spares'>

/** Whether its head is too large depends on a few bytes. */
function effectOfLong({ erases }: Body, user: string): Effect {
  return erases === undefined ? { spares: [] } : { erases: user, spares: [] }
}

function effectOf(asked: Asked, user: string): Effect {
  const answer = answerTo(asked)
  if (answer !== '200 {}' || !isRead(asked)) return { answer, spares: [user] }
  if (asked.body.erases === undefined) return { answer, spares: [] }
  return { answer, erases: user, spares: [] }
}

function methodOf(place: Place): string {
  return place === 'transaction' ? 'PUT' : 'POST'
}

interface Encoded {
  readonly coding: readonly string[]
  readonly content: Buffer
}

function encode(random: Random, { bytes }: Body): Encoded {
  return random.weighted<() => Encoded>([
    [30, () => ({ coding: [], content: bytes })],
    [1, () => ({ coding: ['Content-Encoding: identity'], content: bytes })],
    [1, () => ({ coding: ['Content-Encoding: gzip'], content: gzipSync(bytes) })],
    [1, () => ({ coding: ['content-encoding: br'], content: Buffer.from(bytes) })],
    [1, () => ({ coding: ['Content-Encoding:'], content: Buffer.from(bytes) })],
  ])()
}

interface Asked {
  readonly method: string
  readonly place: Place
  readonly token: SentToken
  readonly body: Body
  readonly isEncoded: boolean
}

function isRead({ method, place, token }: Asked): boolean {
  return place === 'erase' && method === 'POST' && token.verdict === 'right'
}

/** The table of docs/protocol.md, from top to bottom. */
function answerTo({ method, place, token, body, isEncoded }: Asked): TableAnswer {
  if (place === 'other') return '404 M_UNRECOGNIZED'
  if (method !== methodOf(place)) return '405 M_UNRECOGNIZED'
  if (token.verdict === 'missing') return '401 M_MISSING_TOKEN'
  if (token.verdict === 'wrong') return '403 M_FORBIDDEN'
  if (place !== 'erase') return '200 {}'
  return isEncoded ? '400 M_NOT_JSON' : body.answer
}

/** A request to the endpoint, from the right homeserver if it may be, for `broken` to break. */
export function makeParts(
  random: Random,
  wanted: Wanted,
): Parts & { readonly token: SentToken } {
  const token = makeToken(random, wanted)
  const { target }: Target = eraseTarget(random, token.query)
  const payload = Buffer.from(JSON.stringify({ user_id: wanted.user }))
  const headers = [
    `Host: ${canary(random)}.org`,
    ...token.headers,
    `Content-Length: ${payload.length}`,
  ]
  return { method: 'POST', target, version: 'HTTP/1.1', headers, payload, token }
}
