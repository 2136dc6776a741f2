import type { Random } from '../../support/seeded-random.ts'
import { type Made, makeParts, type Parts, render, type Wanted } from './requests.ts'
import { FUZZ_TOKEN } from './tokens.ts'

interface Smuggled {
  readonly bytes: Buffer
  readonly splitAt: number
}

type Smuggle = (outer: Parts, hidden: Buffer, random: Random) => Smuggled

/**
 * A request with another one hidden in it, which holds the right token and asks for the erasure
 * of somebody: a server that takes the hidden one for a request lets others speak for the homeserver.
 */
export function makeSmuggling(random: Random, wanted: Wanted): Made {
  const { user } = wanted
  const hiddenUser = user.replace('@', '@hidden-')
  const { token: _, ...outer } = makeParts(random, { ...wanted, mayBeRight: true })
  const body = JSON.stringify({ user_id: hiddenUser })
  const hidden = render({
    method: 'POST',
    target: outer.target.split('?')[0] ?? '',
    version: 'HTTP/1.1',
    headers: [
      'Host: localhost',
      `Authorization: Bearer ${FUZZ_TOKEN}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
    ],
    payload: Buffer.from(body),
  })
  const { bytes, splitAt } = random.pick(FORMS)(outer, hidden, random)
  const spares = [user, hiddenUser]
  return { bytes, splitAt, place: 'erase', isHead: false, isLast: true, spares }
}

const utf8 = (...parts: ReadonlyArray<string | Buffer>) =>
  Buffer.concat(parts.map(part => Buffer.from(part)))

/** The outer request with other headers about its body, which holds `before`, `hidden`, `after`. */
function around(
  outer: Parts,
  headers: readonly string[],
  [before, hidden, after]: readonly [string, Buffer, string],
): Smuggled {
  const others = outer.headers.filter(line => !line.startsWith('Content-Length'))
  const payload = utf8(before, hidden, after)
  const bytes = render({ ...outer, headers: [...others, ...headers], payload })
  return { bytes, splitAt: bytes.length - hidden.length - Buffer.byteLength(after) }
}

const lengthOf = (length: number) => `Content-Length: ${length}`
const hex = (bytes: Buffer) => bytes.length.toString(16)

/** In a body that is announced as it should be. */
const inBody =
  (change: Partial<Parts>, ...more: readonly string[]): Smuggle =>
  (outer, hidden) =>
    around({ ...outer, ...change }, [lengthOf(hidden.length), ...more], ['', hidden, ''])

/** In a chunk. */
const inChunk =
  (...headers: readonly string[]): Smuggle =>
  (outer, hidden) =>
    around(outer, headers, [`${hex(hidden)}\r\n`, hidden, '\r\n0\r\n\r\n'])

/** Behind the last chunk, in what Content-Length says is the body. */
const behindChunks =
  (...codings: readonly string[]): Smuggle =>
  (outer, hidden) =>
    around(outer, [lengthOf(hidden.length + 5), ...codings], ['0\r\n\r\n', hidden, ''])

/** In a chunk, behind what Content-Length says is the body. */
const behindLength =
  (...codings: readonly string[]): Smuggle =>
  (outer, hidden) => {
    const before = `${hex(hidden)}\r\n`
    return around(
      outer,
      [lengthOf(before.length), ...codings],
      [before, hidden, '\r\n0\r\n\r\n'],
    )
  }

const CHUNKED = 'Transfer-Encoding: chunked'
const CODINGS = [
  CHUNKED,
  'Transfer-Encoding:chunked',
  'Transfer-Encoding : chunked',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: identity, chunked',
  'Transfer-Encoding:\vchunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding: CHUNKED',
  'Transfer-Encoding: chunked\0',
  'X: x\rTransfer-Encoding: chunked',
  'X: x\nTransfer-Encoding: chunked',
  ' Transfer-Encoding: chunked',
  'Transfer-Encoding\r\n: chunked',
]
const UPGRADE = ['Connection: Upgrade', 'Upgrade: h2c']

const FORMS: readonly Smuggle[] = [
  inBody({}),
  inBody({ method: 'GET' }),
  inBody({ method: 'HEAD' }),
  inBody({ method: 'OPTIONS' }),
  inBody({ target: '/' }),
  inBody({ target: '/_matrix/app/v1/ping' }),
  inBody({ method: 'PUT', target: '/_matrix/app/v1/transactions/1' }),
  inBody({ version: 'HTTP/1.0' }),
  inBody({}, 'Expect: 100-continue'),
  inBody({}, 'Expect: something'),
  inBody({}, ...UPGRADE),
  inBody({ method: 'CONNECT', target: 'localhost:443' }),
  (outer, hidden, random) =>
    inBody({ headers: outer.headers.slice(1) })(outer, hidden, random),
  inChunk(CHUNKED),
  inChunk(CHUNKED, CHUNKED),
  inChunk(CHUNKED, 'Expect: 100-continue'),
  inChunk(CHUNKED, ...UPGRADE),
  ...CODINGS.flatMap(coding => [behindChunks(coding), behindLength(coding)]),
  behindChunks(CHUNKED, 'Transfer-Encoding: identity'),
  behindLength('Transfer-Encoding: identity', CHUNKED),
  twoLengths('short', 'long'),
  twoLengths('long', 'short'),
  inExtension,
  inTrailers,
  behindOverflow,
  behindTooMuch,
  behindUpgrade,
  behindClose,
  behindGarbage,
  behindBareFeed,
]

function twoLengths(...order: ReadonlyArray<'short' | 'long'>): Smuggle {
  return (outer, hidden) => {
    const headers = order.map(one => lengthOf(one === 'short' ? 2 : hidden.length + 2))
    return around(outer, headers, ['{}', hidden, ''])
  }
}

function inExtension(outer: Parts, hidden: Buffer): Smuggled {
  return around(outer, [CHUNKED], ['2;x=', hidden, '\r\n{}\r\n0\r\n\r\n'])
}

function inTrailers(outer: Parts, hidden: Buffer, random: Random): Smuggled {
  const before = random.pick(['', 'X: ', 'X: \r\n', 'X: \n\n', 'X: \r\r'])
  return around(outer, [CHUNKED], [`2\r\n{}\r\n0\r\n${before}`, hidden, ''])
}

/** A size that is 2 to a parser that counts in 64 bits. */
function behindOverflow(outer: Parts, hidden: Buffer, random: Random): Smuggled {
  return random.chance(0.5)
    ? around(outer, ['Content-Length: 18446744073709551618'], ['{}', hidden, ''])
    : around(outer, [CHUNKED], ['10000000000000002\r\n{}\r\n0\r\n\r\n', hidden, ''])
}

/** Deep in a body that is too large to be read. */
function behindTooMuch(outer: Parts, hidden: Buffer, random: Random): Smuggled {
  const filler = ' '.repeat(random.int(65_537, 150_000))
  const lengthBytes = filler.length + hidden.length
  return random.chance(0.5)
    ? around(outer, [lengthOf(lengthBytes)], [filler, hidden, ''])
    : around(
        outer,
        [CHUNKED],
        [`${lengthBytes.toString(16)}\r\n${filler}`, hidden, '\r\n0\r\n\r\n'],
      )
}

/** In the body of a request that follows one which offers another protocol. */
function behindUpgrade(outer: Parts, hidden: Buffer, random: Random): Smuggled {
  const offer = random.chance(0.5)
    ? render({
        ...outer,
        method: 'GET',
        headers: ['Host: x', ...UPGRADE],
        payload: utf8(),
      })
    : render({
        ...outer,
        headers: ['Host: x', CHUNKED, ...UPGRADE],
        payload: utf8('0\r\n\r\n'),
      })
  const next = around(outer, [lengthOf(hidden.length)], ['', hidden, ''])
  return { bytes: utf8(offer, next.bytes), splitAt: offer.length + next.splitAt }
}

/** Behind a request after which the client asked for the end: RFC 9112, section 9.6. */
function behindClose(outer: Parts, hidden: Buffer): Smuggled {
  return around(outer, ['Connection: close', lengthOf(2)], ['{}', hidden, ''])
}

/** Behind what cannot be parsed: nobody knows where a request begins. */
function behindGarbage(_outer: Parts, hidden: Buffer, random: Random): Smuggled {
  const garbage = random.pick(['?\r\n\r\n', 'GET / HTTP/1.1\r\nbad header\r\n\r\n', '\0'])
  return { bytes: utf8(garbage, hidden), splitAt: garbage.length }
}

/** Lines of chunks that end where only a lenient parser sees an end. */
function behindBareFeed(outer: Parts, hidden: Buffer, random: Random): Smuggled {
  const before = random.pick([
    '2\r\n{}\r\n0\n\n',
    '2;\n{}\r\n0\r\n\r\n',
    '2\r\n{}\n0\r\n\r\n',
    '2\r\n{}0\r\n\r\n',
    '0;\n\r\n',
    '2\r\n{}\r\n0\r\r',
  ])
  return around(outer, [CHUNKED], [before, hidden, ''])
}
