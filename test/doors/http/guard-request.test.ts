import { buffer } from 'node:stream/consumers'
import type { IncomingMessage } from 'node:http'

import t, { type Test } from 'tap'

import { guardRequest } from '../../../lib/doors/http/guard-request.ts'
import { request, sendRaw } from '../../support/answers.ts'
import { message } from '../../support/open-bridge.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'
import { serveListener } from '../../support/serve-listener.ts'

const bob = '@bob:example.org'
const carol = '@carol:example.org'

interface Left {
  body?: unknown
  rawBody?: unknown
  _body?: boolean | undefined
}

/** A server with a body parser in front of the guard, which leaves what `parse` makes of the bytes. */
async function serve(t: Test, parse?: (bytes: Buffer) => Left) {
  const { erasure } = await openVolatileErasure(t)
  await erasure.accept(bob)
  const seen: { before: Left; after: Left }[] = []
  const port = await serveListener(
    t,
    async (incoming: IncomingMessage & Left, response) => {
      if (parse !== undefined) Object.assign(incoming, parse(await buffer(incoming)))
      const pick = ({ body, rawBody, _body }: Left): Left => ({ body, rawBody, _body })
      const before = pick(incoming)
      await guardRequest(erasure.door, incoming, response, '', () => {
        seen.push({ before, after: pick(incoming) })
        response.end('passed')
      })
    },
  )
  const send = async (body: string) => {
    const headers = [`Authorization: Bearer ${HS_TOKEN}`]
    const answer = await sendRaw(
      port,
      request({ method: 'PUT', path: '/', headers, body }),
    )
    t.match(answer, { status: 200, body: 'passed' })
    return seen.at(-1) as { before: Left; after: Left }
  }
  return { send, port, seen }
}

const INNOCENT = ` {"events":[{"sender":"${carol}","n":12345678901234567890}]} `
const GUILTY = JSON.stringify({ events: [message(carol, 'hi'), message(bob, 'late')] })
const GUARDED = JSON.stringify({
  events: (JSON.parse(GUILTY) as { events: [] }).events.slice(0, 1),
})

t.test('10.1: it leaves a transaction as a body parser would, and its bytes', async t => {
  const { send } = await serve(t)
  const passed = await send(INNOCENT)
  t.same(passed.after.body, JSON.parse(INNOCENT))
  t.match(passed.after, { _body: true })
  t.same(String(passed.after.rawBody), INNOCENT)
  const guarded = await send(GUILTY)
  t.same(guarded.after.body, JSON.parse(GUARDED))
  t.equal(String(guarded.after.rawBody), GUARDED, 'nothing of them in the bytes, either')
})

const PARSERS: Readonly<Record<string, (bytes: Buffer) => Left>> = {
  'an object': bytes => ({ body: JSON.parse(String(bytes)) }),
  'an object, and the bytes': bytes => ({
    body: JSON.parse(String(bytes)),
    rawBody: bytes,
  }),
  'an object, and the text': bytes => ({
    body: JSON.parse(String(bytes)),
    rawBody: String(bytes),
  }),
  'the text': bytes => ({ body: String(bytes) }),
  'the bytes': bytes => ({ body: bytes }),
  'the bytes beside it': bytes => ({ rawBody: bytes }),
}

t.test('10.1: behind a body parser it changes only what it must', async t => {
  const toText = (left: unknown) =>
    left instanceof Uint8Array
      ? String(left)
      : typeof left === 'object'
        ? JSON.stringify(left)
        : left
  for (const [what, parse] of Object.entries(PARSERS)) {
    const { send } = await serve(t, parse)
    const passed = await send(INNOCENT)
    for (const name of ['body', 'rawBody', '_body'] as const)
      t.equal(passed.after[name], passed.before[name], `${what}: the very ${name}`)
    const { before, after } = await send(GUILTY)
    for (const name of ['body', 'rawBody'] as const) {
      const expected = before[name] === undefined ? undefined : GUARDED
      t.equal(toText(after[name]), expected, `${what}: the ${name}`)
      t.equal(
        after[name]?.constructor,
        before[name]?.constructor,
        `${what}: the ${name} is of the same kind`,
      )
    }
  }
})

t.test('10.1: a transaction that something has swallowed is not passed on', async t => {
  const { port, seen } = await serve(t, () => ({}))
  const headers = [`Authorization: Bearer ${HS_TOKEN}`]
  const sent = request({ method: 'PUT', path: '/', headers, body: GUILTY })
  t.match(await sendRaw(port, sent), { status: 400, body: /M_BAD_JSON/ })
  t.same(seen, [])
})
