import { writeFileSync } from 'node:fs'
import type { IncomingMessage, RequestListener } from 'node:http'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'

import t, { type Test } from 'tap'

import type { AccessToken } from '../../../lib/sources/index.ts'
import { adminApi } from '../../../lib/sources/synapse/admin-api.ts'
import { HomeserverBusy } from '../../../lib/sources/synapse/homeserver-busy.ts'
import { serveListener } from '../../support/serve-listener.ts'

const NEVER = new AbortController().signal
const LIMITS = { timeoutMs: 60_000, maxBytes: 1000 }

/** An API whose server answers every request with `listener`. */
async function open(
  t: Test,
  listener: RequestListener,
  accessToken: AccessToken = 'tok',
) {
  const requests: IncomingMessage[] = []
  const port = await serveListener(t, (req, res) => {
    requests.push(req)
    listener(req, res)
  })
  const api = adminApi(new URL(`http://127.0.0.1:${port}/path/`), accessToken)
  const get = (limits = LIMITS, signal = NEVER) => api.get('users?a=b', limits, signal)
  return { requests, get }
}

t.test('a path in the URL is kept, and the token is sent', async t => {
  const { requests, get } = await open(t, (_, res) => void res.end('{"a":1}'))
  t.same(await get(), { status: 200, body: { a: 1 } })
  t.equal(requests[0]?.url, '/path/users?a=b')
  t.equal(requests[0]?.headers.authorization, 'Bearer tok')
})

t.test('requests share a connection, and bring no cookie', async t => {
  const { requests, get } = await open(t, (_, res) => {
    res.setHeader('set-cookie', 'a=b; Path=/')
    res.end('{}')
  })
  for (let count = 0; count < 20; count += 1) await get()
  // One that is not yet free when the next request comes has that use another.
  const connections = new Set(requests.map(({ socket }) => socket)).size
  t.ok(connections <= 10, `${connections} connections`)
  t.ok(requests.every(({ headers }) => headers.cookie === undefined))
})

t.test('no redirect is followed: it would take the token along', async t => {
  for (const status of [301, 302, 303, 307, 308]) {
    const { requests, get } = await open(t, (req, res) => {
      const isFirst = req.url?.startsWith('/path/users') === true
      res.writeHead(isFirst ? status : 200, isFirst ? { location: '/else' } : {})
      res.end('{}')
    })
    await t.rejects(get(), { code: 'SOURCE_INVALID' }, String(status))
    t.equal(requests.length, 1)
  }
})

t.test('a body has a limit, however it comes', async t => {
  const exact = `{"a":"${'x'.repeat(LIMITS.maxBytes - 8)}"}`
  t.equal(Buffer.byteLength(exact), LIMITS.maxBytes)
  const fits = await open(t, (_, res) => void res.end(exact))
  t.match(await fits.get(), { status: 200 })
  const tooLarge = await open(t, (_, res) => void res.end(`${exact} `))
  await t.rejects(tooLarge.get(), { code: 'SOURCE_INVALID' })
  const packed = gzipSync(Buffer.alloc(50_000_000, ' '))
  const bomb = await open(t, (_, res) => {
    res.writeHead(200, { 'content-encoding': 'gzip' }).end(packed)
  })
  await t.rejects(bomb.get(), { code: 'SOURCE_INVALID' })
})

t.test('an answer without end is given up', async t => {
  let written = 0
  let isOver: () => void = () => {}
  const over = new Promise<void>(resolve => (isOver = resolve))
  const endless = await open(t, (_, res) => {
    const chunk = Buffer.alloc(65_536, ' ')
    res.on('close', isOver)
    const write = () => {
      written += chunk.length
      if (!res.destroyed) res.write(chunk, write)
    }
    write()
  })
  await t.rejects(endless.get(), { code: 'SOURCE_INVALID' })
  await over
  t.ok(written < 100_000_000, `${written} bytes`)
})

t.test('errors have a limit, too', async t => {
  const { get } = await open(t, (_, res) => {
    res.writeHead(404).end(JSON.stringify({ errcode: 'M_X', error: 'x'.repeat(100_000) }))
  })
  t.same(await get(), { status: 404, body: undefined })
})

t.test('a homeserver that does not answer is given up', async t => {
  const { get } = await open(t, () => {})
  await t.rejects(get({ ...LIMITS, timeoutMs: 50 }), { code: 'SOURCE_UNREACHABLE' })
  const slow = await open(t, (_, res) => void res.writeHead(200).write('{'))
  await t.rejects(slow.get({ ...LIMITS, timeoutMs: 50 }), { code: 'SOURCE_UNREACHABLE' })
})

t.test('an abort ends a request', async t => {
  const { requests, get } = await open(t, () => stop.abort())
  const stop = new AbortController()
  await t.rejects(get(LIMITS, stop.signal), { code: 'SOURCE_UNREACHABLE' })
  t.equal(requests.length, 1)
})

t.test('when to come back', async t => {
  const cases: ReadonlyArray<readonly [Record<string, string>, string, number]> = [
    [{}, '', 0],
    [{ 'retry-after': '7' }, '', 7000],
    [{ 'retry-after': '7' }, '{"retry_after_ms":9}', 7000],
    [{}, '{"retry_after_ms":1500}', 1500],
    [{}, '{"retry_after_ms":"soon"}', 0],
    [{}, '{"retry_after_ms":-5}', 0],
    [{ 'retry-after': '999999999' }, '', 3_600_000],
    [{ 'retry-after': 'soon' }, '', 0],
    [
      {
        date: 'Wed, 25 Nov 2026 10:00:00 GMT',
        'retry-after': 'Wed, 25 Nov 2026 10:00:20 GMT',
      },
      '',
      20_000,
    ],
  ]
  for (const [headers, body, waitMs] of cases) {
    for (const status of [429, 503]) {
      const { get } = await open(
        t,
        (_, res) => void res.writeHead(status, headers).end(body),
      )
      const error: unknown = await get().catch((thrown: unknown) => thrown)
      t.ok(error instanceof HomeserverBusy)
      t.match(error, { code: 'SOURCE_UNREACHABLE', retryAfterMs: waitMs })
    }
  }
})

t.test('the token is read again for every request', async t => {
  const file = join(t.testdir(), 'token')
  const { requests, get } = await open(t, (_, res) => void res.end('{}'), { file })
  await t.rejects(get(), { code: 'SOURCE_FORBIDDEN' })
  for (const token of ['one', 'two\n']) {
    writeFileSync(file, token)
    await get()
  }
  t.same(
    requests.map(({ headers }) => headers.authorization),
    ['Bearer one', 'Bearer two'],
  )
})

t.test('a token that cannot be had is not shown', async t => {
  const wrong: AccessToken[] = [
    () => 'secret-of\na-test',
    () => '',
    () => Promise.reject(new Error('secret-of-a-test')),
    () => {
      throw new Error('secret-of-a-test')
    },
    () => 7 as never,
  ]
  for (const accessToken of wrong) {
    const { requests, get } = await open(t, (_, res) => void res.end('{}'), accessToken)
    const error: unknown = await get().catch((thrown: unknown) => thrown)
    t.match(error, { name: 'SourceError', code: 'SOURCE_FORBIDDEN' })
    t.notMatch(inspect(error, { depth: null }), /secret-of/)
    t.equal(requests.length, 0)
  }
})
