import type { Random } from '../../support/seeded-random.ts'
import { canary } from './canary.ts'

/** How a body is announced, and its bytes as they go over the wire. */
export interface Framed {
  readonly headers: readonly string[]
  readonly payload: Buffer
}

/** A body in one of the framings HTTP/1.1 allows. */
export function frame(random: Random, body: Buffer): Framed {
  if (random.chance(0.6)) {
    const zeros = '0'.repeat(random.pick([0, 0, 0, 3]))
    return { headers: [`Content-Length: ${zeros}${body.length}`], payload: body }
  }
  const coding = random.pick(['chunked', 'chunked', 'Chunked', 'CHUNKED', ' \tchunked'])
  const name = random.pick(['Transfer-Encoding', 'transfer-encoding'])
  return {
    headers: [`${name}: ${coding}`],
    payload: Buffer.concat([chunks(random, body), trailers(random)]),
  }
}

/** No body, in one of the ways to say so. */
export function frameNothing(random: Random): Framed {
  const [header, payload = ''] = random.pick<readonly string[]>([
    [],
    ['Content-Length: 0'],
    ['Transfer-Encoding: chunked', '0\r\n\r\n'],
  ])
  const headers = header === undefined ? [] : [header]
  return { headers, payload: Buffer.from(payload) }
}

/** A body in chunks: of one byte, of any size, or in one piece. */
function chunks(random: Random, body: Buffer): Buffer {
  const largest = random.weighted([
    [2, body.length < 3000 ? 1 : body.length],
    [3, Math.max(1, Math.ceil(body.length / 5))],
    [3, body.length],
  ])
  const parts: Buffer[] = []
  for (let at = 0; at < body.length;) {
    const lengthBytes = random.int(1, Math.min(largest, body.length - at))
    const size = lengthBytes.toString(16)
    const spelt = random.pick([size, size.toUpperCase(), size.padStart(8, '0')])
    const extension = random.chance(0.05) ? `;${canary(random)}=1` : ''
    const data = body.subarray(at, at + lengthBytes)
    parts.push(Buffer.from(`${spelt}${extension}\r\n`), data, Buffer.from('\r\n'))
    at += lengthBytes
  }
  return Buffer.concat(parts)
}

function trailers(random: Random): Buffer {
  const lines = random.weighted<readonly string[]>([
    [8, []],
    [1, [`X-Trailer: ${canary(random)}`]],
    [1, Array.from({ length: random.int(2, 60) }, () => `X-${random.word(4)}: 1`)],
  ])
  return Buffer.from(`0\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`)
}

/** Headers that change nothing, however odd they are. */
export function noise(random: Random): string[] {
  const length = random.weighted([
    [5, 0],
    [5, random.int(1, 4)],
    [1, random.int(10, 60)],
  ])
  return Array.from({ length }, () => noiseHeader(random))
}

function noiseHeader(random: Random): string {
  const name = canary(random)
  return random.pick([
    `X-${name}: ${name}`,
    `X-Empty:`,
    `X-Spaces:  \t ${name} \t `,
    `X-Bytes: ${random
      .bytes(20)
      .toString('latin1')
      .replace(/[^ -~\x80-\xff]/g, '')}`,
    `User-Agent: ${name}`,
    `X-Forwarded-For: ${name}`,
    `X-HTTP-Method-Override: POST`,
    `X-Original-URL: /_matrix/app/v1/users/erase`,
    `Content-Type: ${random.pick(['text/plain', 'application/json; charset=utf-16', name])}`,
    `Accept-Encoding: gzip`,
    `Cookie: ${name}=${name}`,
    `__proto__: ${name}`,
    `constructor: ${name}`,
    `toString: ${name}`,
    `If-None-Match: *`,
    `Range: bytes=0-0`,
    `Origin: https://${name}.org`,
    `!#$%&'*+-.^_|~: ${name}`,
    `X-Long: ${name.repeat(random.int(1, 100))}`,
    `Host: ${name}`,
    `Keep-Alive: timeout=1`,
    `TE: trailers`,
    `Via: 1.1 ${name}`,
  ])
}
