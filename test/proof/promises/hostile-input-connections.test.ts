import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import t from 'tap'

import { ERASE_PATH, request, sendRaw } from '../../support/answers.ts'
import { type Child, type Memory, startServer } from '../fuzz/child.ts'
import { allowedConnections, openSilence } from '../fuzz/silence.ts'
import { FUZZ_TOKEN } from '../fuzz/tokens.ts'
import { FILE_LIMIT_MS } from '../../support/sizes.ts'

t.setTimeout(FILE_LIMIT_MS)
const MIB = 2 ** 20
const SILENT_CONNECTIONS = 10_000
/** Long enough to open them all. */
const PATIENCE_MS = 6000
/** With all of them open; a socket is a few kilobytes. */
const SILENT_RSS_BYTES = 450 * MIB
/** One body without end is as large as the most that a client gets rid of before it is cut off. */
const ENDLESS_RSS_BYTES = 200 * MIB
const BEARER = `Authorization: Bearer ${FUZZ_TOKEN}`

const inMib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`

async function answersAtOnce(child: Child): Promise<number | undefined> {
  const answer = await sendRaw(child.port, request({ headers: [BEARER] }))
  return answer?.status
}

/** The server sees the end of a connection later than the client. */
async function memoryBelow(child: Child, heapBytes: number): Promise<Memory> {
  for (let triesLeft = 40; ; triesLeft -= 1) {
    const memory = await child.memory()
    if (memory.heapUsed < heapBytes || triesLeft === 0) return memory
    await sleep(100)
  }
}

t.test(
  'Hostile input: ten thousand silent connections are borne, and closed in time',
  async t => {
    const wanted = allowedConnections(SILENT_CONNECTIONS)
    const child = await startServer('own', PATIENCE_MS)
    const before = await child.memory()
    const { open, endings } = await openSilence(child.port, wanted)
    t.equal(open, wanted, 'all are open at once')
    t.equal(await answersAtOnce(child), 200, 'a valid request is answered meanwhile')
    const { rss } = await child.memory()
    t.ok(rss < SILENT_RSS_BYTES, `RSS is bounded: ${rss}`)
    t.same(await endings, { 408: wanted })
    const mostBytes = before.heapUsed + 8 * MIB
    const after = await memoryBelow(child, mostBytes)
    t.ok(after.heapUsed < mostBytes, `nothing of them is kept: ${after.heapUsed}`)
    t.equal(await answersAtOnce(child), 200)
    t.comment(
      `${open} connections of ${SILENT_CONNECTIONS}: RSS ${inMib(before.rss)} before, ${inMib(rss)} with them, ${inMib(after.rss)} after`,
    )
    t.match(await child.end(), { code: 0, signal: null, leaks: [] })
  },
)

/** Sends `head`, and then `drop` again and again until the server ends the connection. */
async function drip(
  port: number,
  head: string,
  drop: Buffer,
  everyMs: number,
): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', chunk => (received += chunk.toString('latin1')))
  // What was received before a reset counts as well.
  socket.on('error', () => {})
  const closed = new Promise(resolve => void socket.on('close', resolve))
  socket.write(head)
  const timer = setInterval(() => {
    if (socket.writable && socket.writableLength < MIB) socket.write(drop)
  }, everyMs)
  await closed
  clearInterval(timer)
  return received
}

const post = (...headers: readonly string[]) =>
  [`POST ${ERASE_PATH} HTTP/1.1`, 'Host: localhost', ...headers].join('\r\n')

t.test('Hostile input: a request that trickles in is cut off in time', async t => {
  const child = await startServer('own', 500)
  const trickles: ReadonlyArray<readonly [what: string, head: string, drop: string]> = [
    ['a request line', 'POST /', 'a'],
    ['headers', `${post()}\r\n`, 'X: 1\r\n'],
    ['a header', post('X: '), 'x'],
    ['a body', post(BEARER, 'Content-Length: 60000', '', ''), ' '],
    ['chunks', post(BEARER, 'Transfer-Encoding: chunked', '', ''), '1\r\n \r\n'],
    ['a chunk extension', post(BEARER, 'Transfer-Encoding: chunked', '', '1'), ';x'],
  ]
  await Promise.all(
    trickles.map(async ([what, head, drop]) => {
      const received = await drip(child.port, head, Buffer.from(drop), 50)
      t.match(received, /^HTTP\/1\.1 408 .*"errcode":"M_UNKNOWN"/s, what)
    }),
  )
  t.equal(await answersAtOnce(child), 200)
  t.match(await child.end(), { code: 0, signal: null, leaks: [] })
})

const CHUNK = Buffer.concat([
  Buffer.from('10000\r\n'),
  Buffer.alloc(0x1_00_00, ' '),
  Buffer.from('\r\n'),
])
const ENDLESS: ReadonlyArray<readonly [what: string, headers: string[], status: number]> =
  [
    ['a length', [BEARER, 'Content-Length: 999999999999'], 413],
    ['chunks', [BEARER, 'Transfer-Encoding: chunked'], 413],
    ['chunks, without a token', ['Transfer-Encoding: chunked'], 401],
    [
      'a length, with a wrong token',
      ['Authorization: Bearer x', 'Content-Length: 9999999999'],
      403,
    ],
  ]
/** So many at once of each. */
const ENDLESS_CLIENTS = 15

for (const door of ['own', 'bridge'] as const) {
  t.test(
    `Hostile input: a body without end is answered and cut off (${door})`,
    async t => {
      const child = await startServer(door)
      for (const [what, headers, status] of ENDLESS) {
        const received = await Promise.all(
          Array.from({ length: ENDLESS_CLIENTS }, () =>
            drip(child.port, post(...headers, '', ''), CHUNK, 1),
          ),
        )
        t.same(
          received.map(answer => answer.slice(0, 12)),
          received.map(() => `HTTP/1.1 ${status}`),
          `${what}: the answer is not lost`,
        )
      }
      const { rss } = await child.memory()
      t.ok(rss < 128 * MIB + ENDLESS_RSS_BYTES, `RSS is bounded: ${rss}`)
      t.equal(await answersAtOnce(child), 200)
      t.match(await child.end(), { code: 0, signal: null, leaks: [] })
    },
  )
}
