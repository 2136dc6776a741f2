import type { Random } from '../../support/seeded-random.ts'
import { canary } from './canary.ts'
import { type Made, makeParts, type Parts, render, type Wanted } from './requests.ts'
import { oddTarget } from './targets.ts'
import { mayAuthenticate } from './tokens.ts'

type Break = (random: Random, parts: Parts) => Parts | Buffer

/** A request with something wrong in how it is put together. */
export function makeBroken(random: Random, wanted: Wanted): Made {
  const { user } = wanted
  const { token, ...parts } = makeParts(random, wanted)
  const breaks = random.weighted<readonly Break[]>([
    [3, LINES],
    [3, HEADERS],
    [3, LENGTHS],
    [3, CHUNKS],
    [2, [(chance, sound) => ({ ...sound, target: oddTarget(chance, token.query) })]],
    [1, [somethingElse]],
  ])
  const broken = random.pick(breaks)(random, parts)
  const bytes = Buffer.isBuffer(broken) ? broken : render(broken)
  // A flipped bit may make a wrong token right.
  const isRight =
    token.verdict === 'right' || (Buffer.isBuffer(broken) && mayAuthenticate(bytes))
  return {
    bytes,
    place: 'erase',
    isHead: false,
    isLast: true,
    ...(isRight ? { erases: user, spares: [] } : { spares: [user] }),
  }
}

const withLine = (change: (line: string, random: Random) => string): Break => {
  return (random, { method, target, version, ...rest }) => {
    const line = change(`${method} ${target} ${version}`, random)
    const [, ...lines] = render({ method: '', target: '', version: '', ...rest })
      .toString('latin1')
      .split('\r\n')
    return Buffer.from([line, ...lines].join('\r\n'), 'latin1')
  }
}

const LINES: readonly Break[] = [
  ...[
    'HTTP/0.9',
    'HTTP/1.2',
    'HTTP/2.0',
    'HTTP/11',
    'HTTP/1.1.1',
    'http/1.1',
    'ICY',
    '',
  ].map(version => withLine(line => line.replace(/ \S+$/, ` ${version}`))),
  ...['post', 'PoST', 'FOO', 'POSTX', 'PRI', 'CONNECT', '', 'P\0ST', '\u00a0POST'].map(
    method => withLine(line => line.replace('POST', method)),
  ),
  withLine(line => line.replace('POST', 'X'.repeat(10_000))),
  withLine(line => ` ${line}`),
  withLine(line => `\r\n\r\n${line}`),
  withLine(line => `\n${line}`),
  withLine(line => line.replaceAll(' ', '  ')),
  withLine(line => line.replaceAll(' ', '\t')),
  withLine(line => line.replace(/ \S+$/, '')),
  withLine(line => `${line} `),
  withLine(line => `${line}\r`),
  withLine((line, random) => `${line} ${canary(random)}`),
]

const withHeaders = (
  change: (headers: readonly string[], random: Random) => readonly string[],
): Break => {
  return (random, parts) => ({ ...parts, headers: change(parts.headers, random) })
}
const adding = (make: (random: Random) => string): Break =>
  withHeaders((headers, random) => {
    const at = random.int(0, headers.length)
    return [...headers.slice(0, at), make(random), ...headers.slice(at)]
  })

const HEADERS: readonly Break[] = [
  withHeaders(headers => headers.slice(1)),
  withHeaders(headers => headers.map(line => line.replace(':', ' :'))),
  withHeaders(headers => headers.map(line => line.replace(': ', ':\r\n '))),
  withHeaders(headers => headers.map(line => line.replace(':', ''))),
  withHeaders(headers => headers.map(line => ` ${line}`)),
  adding(random => `: ${canary(random)}`),
  adding(random => canary(random)),
  adding(random => `X-Fold: a\r\n\t${canary(random)}`),
  adding(random => `X-Nul: \0${canary(random)}`),
  adding(random => `X-Return: a\r${canary(random)}: b`),
  adding(random => `X-Feed: a\n${canary(random)}: b`),
  adding(random => `X\u00e9: ${canary(random)}`),
  adding(random => `X(${canary(random)}): 1`),
  adding(random => `X-Huge: ${canary(random).repeat(random.int(1000, 3000))}`),
  adding(random => `${'X'.repeat(random.int(16_000, 40_000))}: ${canary(random)}`),
  adding(() => Array.from({ length: 1500 }, (_, at) => `X${at}: 1`).join('\r\n')),
  adding(() => Array.from({ length: 990 }, () => 'a:').join('\r\n')),
  adding(random => `Expect: ${canary(random)}`),
  adding(() => 'Expect: 100-continue, 100-continue'),
  adding(() => 'Connection: Upgrade\r\nUpgrade: h2c'),
  adding(() => 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: websocket'),
  adding(random => `Connection: ${canary(random)}, close`),
  adding(() => 'Host: [::1'),
  (_, parts) =>
    Buffer.from(render(parts).toString('latin1').replaceAll('\r\n', '\n'), 'latin1'),
  (_, parts) =>
    Buffer.from(render(parts).toString('latin1').replaceAll('\r\n', '\r'), 'latin1'),
]

const lengths = (...values: string[]): Break =>
  withHeaders(headers => [
    ...headers.filter(line => !line.startsWith('Content-Length')),
    ...values.map(value => `Content-Length: ${value}`),
  ])

const LENGTHS: readonly Break[] = [
  ...['-1', '+5', '0x10', '1e1', '5, 5', '5 5', '5;', '', '９', '1.0', '5\0', '\v5'].map(
    value => lengths(value),
  ),
  ...['1', '99', '65537', '4294967296', '18446744073709551616', '9'.repeat(100)].map(
    value => lengths(value),
  ),
  lengths('0', '5'),
  lengths('5', '5'),
  lengths(),
]

const chunked = (
  change: (payload: Buffer, random: Random) => string | Buffer,
  coding = 'Transfer-Encoding: chunked',
): Break => {
  return (random, { headers, payload, ...rest }) => ({
    ...rest,
    headers: [...headers.filter(line => !line.startsWith('Content-Length')), coding],
    payload: Buffer.from(change(payload, random)),
  })
}
const size = (spell: (size: string, random: Random) => string): Break =>
  chunked((payload, random) => {
    return `${spell(payload.length.toString(16), random)}\r\n${payload.toString()}\r\n0\r\n\r\n`
  })

const CODINGS = [
  ...[
    'identity',
    'xchunked',
    'chunked, identity',
    'identity, chunked',
    'chunked, chunked',
  ],
  ...[
    'gzip, chunked',
    'chunked;q=1',
    '"chunked"',
    'chunked\0',
    '\vchunked',
    'chu nked',
    '',
  ],
]

const CHUNKS: readonly Break[] = [
  ...CODINGS.flatMap(coding => [
    chunked(payload => payload, `Transfer-Encoding: ${coding}`),
    chunked(
      payload => `${payload.length.toString(16)}\r\n${payload.toString()}\r\n0\r\n\r\n`,
      `Transfer-Encoding: ${coding}`,
    ),
  ]),
  chunked(payload => payload, 'Transfer-Encoding : chunked'),
  chunked(
    payload => payload,
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  ),
  size(hex => `0x${hex}`),
  size(hex => `-${hex}`),
  size(hex => `${hex} `),
  size(hex => `${hex}\n`),
  size(hex => `${hex}g`),
  size(hex => `${hex};${'x'.repeat(20_000)}`),
  size((hex, random) => `${hex};${canary(random)}="\r\n"`),
  size(() => '1'),
  size(() => 'ff'),
  size(() => '10001'),
  size(() => 'f'.repeat(16)),
  size(() => 'f'.repeat(17)),
  size(() => ''),
  chunked(payload => `${payload.length.toString(16)}\n${payload.toString()}\n0\n\n`),
  chunked(payload => `${payload.length.toString(16)}\r\n${payload.toString()}0\r\n\r\n`),
  chunked((_, random) => `0\r\n${canary(random)}\r\n\r\n`),
  chunked((_, random) => `0\r\nX: ${canary(random).repeat(2000)}\r\n\r\n`),
]

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'

function somethingElse(random: Random, parts: Parts): Buffer {
  const sound = render(parts)
  const flipped = Buffer.from(sound)
  // Only in the head: a body with another letter names somebody else.
  flipped[random.int(0, sound.length - parts.payload.length - 1)] = random.int(0, 255)
  return random.pick([
    flipped,
    random.bytes(random.int(1, 2000)),
    Buffer.from(PREFACE, 'latin1'),
    Buffer.from('16030100c8010000c40303', 'hex'),
    Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}'),
    Buffer.from('\r\n'.repeat(random.int(1, 5000))),
    Buffer.from('\0'.repeat(random.int(1, 5000))),
    Buffer.concat([Buffer.from('PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n'), sound]),
    parts.payload,
  ])
}
