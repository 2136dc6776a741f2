// Walks the table of answers in docs/protocol.md against a door.
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'

import type { Test } from 'tap'

import { HS_TOKEN, REFUSED_USER } from './open-erasure.ts'

export const ERASE_PATH = '/_matrix/app/v1/users/erase'
const UNSTABLE_PATH = '/_matrix/app/unstable/org.matrix.msc2438/users/erase'

/** A door that listens, and the switches the table needs. */
export interface Door {
  readonly port: number
  /** The door of our own server answers paths that are not ours. */
  readonly isOwnServer: boolean
  /** Of the same door, with less patience: on a busy machine any request may be late for that one. */
  readonly impatientPort?: number
  /** Makes the store fail, or work again. */
  breakStore(broken: boolean): void
}

interface Row {
  readonly name: string
  readonly status: number
  readonly errcode: string | undefined
  readonly header: readonly [string, string] | undefined
}

function readTable(): Row[] {
  const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
  const rows = page.matchAll(
    /^\| (.+?) +\| `(\d{3}) (\{\}|M_[A-Z_]+)`(?: \+ `([\w-]+): (\w+)`)? +\|$/gm,
  )
  return [...rows].map(([, name = '', status, answer, header, value]) => ({
    name,
    status: Number(status),
    errcode: answer === '{}' ? undefined : answer,
    header: header === undefined || value === undefined ? undefined : [header, value],
  }))
}

/** An answer as it came over the socket. */
export interface RawAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Sends bytes, and reads until one answer is complete or the connection ends. */
export function sendRaw(
  port: number,
  bytes: string | Buffer,
): Promise<RawAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let received = ''
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', chunk => {
      received += chunk.toString('latin1')
      const answer = parseAnswer(received)
      if (answer === undefined) return
      resolve(answer)
      socket.destroy()
    })
    socket.on('close', () => resolve(parseAnswer(received)))
    socket.on('error', error =>
      'code' in error && error.code === 'ECONNRESET' ? undefined : reject(error),
    )
  })
}

function parseAnswer(text: string): RawAnswer | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = new Map(
    lines.map(line => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const length = Number(headers.get('content-length') ?? 0)
  const body = text.slice(end + 4)
  if (body.length < length) return undefined
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    body: body.slice(0, length),
  }
}

interface Sent {
  readonly method?: string
  readonly path?: string
  readonly headers?: readonly string[]
  readonly body?: string | Buffer
}

const BEARER = `Authorization: Bearer ${HS_TOKEN}`
const bodyOf = (userId: string) => JSON.stringify({ user_id: userId })

const LONGEST = bodyOf('@bob:example.org').padEnd(64 * 1024)

/** A request as bytes. */
export function request({
  method = 'POST',
  path = ERASE_PATH,
  headers = [BEARER],
  body = bodyOf('@bob:example.org'),
}: Sent = {}): Buffer {
  const head = [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    'Content-Type: application/json',
    ...headers,
    ...(headers.some(header => /^(content-length|transfer-encoding)/i.test(header))
      ? []
      : [`Content-Length: ${Buffer.byteLength(body)}`]),
  ]
  return Buffer.concat([
    Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'),
    Buffer.from(body),
  ])
}

/** For each row of the table: what to send. */
const CASES: Readonly<Record<string, readonly (Sent | string)[]>> = {
  accepted: [
    {},
    { path: UNSTABLE_PATH },
    { path: `http://localhost${ERASE_PATH}` },
    { headers: [BEARER, 'Authorisation: Bearer wrong'] },
    { body: LONGEST },
    {
      headers: [BEARER, 'Transfer-Encoding: chunked'],
      body: `10000\r\n${LONGEST}\r\n0\r\n\r\n`,
    },
  ],
  'the same user again': [
    {},
    { headers: [], path: `${ERASE_PATH}?access_token=${HS_TOKEN}` },
  ],
  'a user never seen': [
    {
      body: bodyOf('@nobody:example.org'),
      headers: [BEARER.replace('Bearer', 'bEARER')],
    },
  ],
  'a user of the application service itself (recorded as `declined`)': [
    { body: bodyOf('@_ghost_1:example.org') },
  ],
  'no token': [
    { headers: [] },
    { headers: ['Authorization: Basic eDp5'] },
    { headers: [BEARER.replace('z', 's')] },
  ],
  'wrong token': [
    { headers: ['Authorization: Bearer wrong'] },
    { headers: [], path: `${ERASE_PATH}?access_token=wrong` },
    { headers: [], path: `${ERASE_PATH}?access_token=${HS_TOKEN}&access_token=x` },
  ],
  'header and `access_token` query both sent and different': [
    { path: `${ERASE_PATH}?access_token=wrong` },
    {
      headers: ['Authorization: Bearer wrong'],
      path: `${ERASE_PATH}?access_token=${HS_TOKEN}`,
    },
  ],
  'the `Authorization` header sent twice': [
    { headers: [BEARER, BEARER] },
    { headers: [BEARER, 'Authorization: Bearer wrong'] },
    { headers: ['Authorization: Bearer wrong', BEARER] },
  ],
  '`allow(userId)` said no': [{ body: bodyOf(REFUSED_USER) }],
  'body is not JSON': [{ body: 'user_id=@bob' }, { body: '' }, { body: '{"user_id":' }],
  'body is not UTF-8': [
    { body: Buffer.from('{"user_id":"@b\xff:example.org"}', 'latin1') },
  ],
  'body is compressed': [
    {
      headers: [BEARER, 'Content-Encoding: gzip'],
      body: Buffer.from('1f8b08000000000000', 'hex'),
    },
  ],
  'JSON, but not an object': [
    { body: '[]' },
    { body: 'null' },
    { body: '"@bob:example.org"' },
  ],
  '`user_id` not a string': [{ body: '{"user_id":1}' }, { body: '{"user_id":{"a":1}}' }],
  '`user_id` given twice': [
    { body: '{"user_id":"@a:b.c","user_id":"@bob:example.org"}' },
  ],
  '`user_id` missing': [{ body: '{}' }, { body: '{"__proto__":{"user_id":"@a:b.c"}}' }],
  '`user_id` is not a user ID': [
    { body: bodyOf('bob') },
    { body: bodyOf(`@${'x'.repeat(300)}:b.c`) },
  ],
  'body over 64 KiB': [
    { body: 'x'.repeat(64 * 1024 + 1) },
    { headers: [BEARER, 'Content-Length: 99999999'], body: '{' },
    {
      headers: [BEARER, 'Transfer-Encoding: chunked'],
      body: `20000\r\n${' '.repeat(0x20000)}\r\n`,
    },
  ],
  'another method on the path': [
    { method: 'GET' },
    { method: 'PUT' },
    { method: 'DELETE', headers: [] },
    { method: 'OPTIONS', headers: [] },
  ],
  'another path (own server only)': [
    { path: '/' },
    { path: `${ERASE_PATH}/` },
    { path: '/_matrix/app/v1/users/ERASE' },
    { path: '/_matrix/app/v1/users/%65rase' },
    { path: '/_matrix/app/v1/users/@bob:example.org', method: 'GET' },
    { path: '/_matrix/app/v1/x/../users/erase' },
    { path: `/${ERASE_PATH}` },
    { path: `//localhost${ERASE_PATH}` },
    { path: `http://localhost/${ERASE_PATH}` },
    { path: `${ERASE_PATH}#` },
    { path: ERASE_PATH.replace('/users/', '\\users\\') },
    { path: `${ERASE_PATH.replace('/users/', '\\users\\')}#` },
  ],
  'not HTTP (own server only)': [
    '\x16\x03\x01 hello\r\n\r\n',
    'GET / HTTP/1.1\r\nbad header\r\n\r\n',
  ],
  'headers over 16 KiB (own server only)': [
    { headers: [BEARER, `X: ${'x'.repeat(20_000)}`] },
  ],
  'a request that does not arrive in time (own server only)': [
    'POST / HTTP/1.1\r\nHost: x\r\n',
  ],
  'the store cannot be written': [{}, { body: bodyOf('@bridge:example.org') }],
}

const portFor = ({ port, impatientPort = port }: Door, status: number) =>
  status === 408 ? impatientPort : port

/** Walks every row of the table, and fails for a row without a case or a case without a row. */
export async function walkAnswers(t: Test, door: Door): Promise<void> {
  const rows = readTable()
  t.same(rows.map(({ name }) => name).toSorted(), Object.keys(CASES).toSorted())
  for (const { name, status, errcode, header } of rows) {
    if (name.includes('own server only') && !door.isOwnServer) continue
    door.breakStore(name === 'the store cannot be written')
    for (const sent of CASES[name] ?? []) {
      const bytes = typeof sent === 'string' ? sent : request(sent)
      const answer = await sendRaw(portFor(door, status), bytes)
      const what = `${name}: ${bytes.toString().slice(0, 60).split('\r\n')[0]}`
      t.equal(answer?.status, status, what)
      t.match(answer?.headers.get('content-type'), /^application\/json/, what)
      const body: unknown = JSON.parse(answer?.body ?? '')
      if (errcode === undefined) t.same(body, {}, what)
      else t.match(body, { errcode, error: String }, what)
      if (header !== undefined)
        t.equal(answer?.headers.get(header[0].toLowerCase()), header[1], what)
    }
  }
  door.breakStore(false)
}

/** Sends what looks like a path of ours and is none to a door behind which something answers `rest`. */
export async function walkOtherPaths(t: Test, port: number, rest: RegExp): Promise<void> {
  for (const sent of CASES['another path (own server only)'] ?? []) {
    if (typeof sent === 'string') continue
    const answer = await sendRaw(port, request(sent))
    t.match(answer?.body, rest, `${sent.path} is not ours`)
  }
}
