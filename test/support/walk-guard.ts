// Walks what the guard promises, in front of a bridge on any framework.
import type { Test } from 'tap'

import type { Erasure } from '../../lib/core/erasure.ts'
import { request, type RawAnswer, sendRaw } from './answers.ts'
import type { MemoryStore } from './memory-store.ts'
import { HS_TOKEN } from './open-erasure.ts'

/** A bridge behind a guard, on a framework. */
export interface GuardedBridge {
  readonly port: number
  readonly erasure: Erasure
  readonly store: MemoryStore
  /** The bodies of the `PUT` requests that its own code has got, as far as its framework tells. */
  readonly received: unknown[]
}

const bob = '@bob:example.org'
const BEARER = `Authorization: Bearer ${HS_TOKEN}`
export const TRANSACTION_PATH = '/_matrix/app/v1/transactions/1'

const event = (sender: string, body: string) => ({
  type: 'm.room.message',
  event_id: `$${body}`,
  room_id: '!room:example.org',
  sender,
  content: { body },
})

/** With spaces, escapes, numbers and names that no serialiser would write like that. */
const ODD = `{ "events" : [ ${JSON.stringify(event('@al:x.org', 'hi'))} ],\n\t"x.\\u0061":1.0, "é":"\\/" }`

type Sent = Parameters<typeof request>[0]

const put = (port: number, body: string | Buffer, more: Sent = {}) => {
  const sent = { method: 'PUT', path: TRANSACTION_PATH, headers: [BEARER], body }
  return sendRaw(port, request({ ...sent, ...more }))
}

const inChunks = (body: string) => {
  const size = (text: string) => Buffer.byteLength(text).toString(16)
  const [first, second] = [body.slice(0, 20), body.slice(20)]
  const parts = [first, second].map(part => `${size(part)}\r\n${part}\r\n`)
  return `${parts.join('')}0\r\n\r\n`
}
const CHUNKED = { headers: [BEARER, 'Transfer-Encoding: chunked'] }

/** @param kept - a body as the bridge gets it: parsed, unless its framework leaves it as text */
export async function walkGuard(
  t: Test,
  bridge: GuardedBridge,
  kept: (text: string) => unknown = JSON.parse,
): Promise<void> {
  await walkUntouched(t, bridge, kept)
  await walkErased(t, bridge, kept)
  await walkRefused(t, bridge)
}

async function walkUntouched(
  t: Test,
  { port, received }: GuardedBridge,
  kept: (text: string) => unknown,
): Promise<void> {
  const large = JSON.stringify({ events: [event('@al:x.org', 'x'.repeat(300_000))] })
  for (const body of [ODD, large]) {
    t.match(await put(port, body), { status: 200, body: '{}' })
    t.match(await put(port, inChunks(body), CHUNKED), { status: 200, body: '{}' })
    t.same(received.splice(0), [kept(body), kept(body)], 'what came goes on')
  }
  await put(port, ODD, { path: '/other', headers: ['X-No: token'] })
  t.same(received.splice(0), [kept(ODD)], 'a request that is no transaction goes on')
}

async function walkErased(
  t: Test,
  { port, erasure, received }: GuardedBridge,
  kept: (text: string) => unknown,
): Promise<void> {
  await erasure.accept(bob)
  const events = [event('@al:x.org', 'hi'), event(bob, 'late'), event('@al:x.org', 'é')]
  const body = JSON.stringify({ events, 'x.other': 1 })
  t.match(await put(port, body), { status: 200, body: '{}' })
  t.match(await put(port, inChunks(body), CHUNKED), { status: 200, body: '{}' })
  const left = kept(JSON.stringify({ events: [events[0], events[2]], 'x.other': 1 }))
  t.same(received.splice(0), [left, left], 'what an erased user does is taken out')
}

async function walkRefused(
  t: Test,
  { port, store, received }: GuardedBridge,
): Promise<void> {
  const refused = async (answer: Promise<RawAnswer | undefined>, expected: object) => {
    t.match(await answer, expected)
    t.same(received, [], 'nothing goes on')
  }
  await refused(put(port, ODD, { headers: [] }), { status: 401, body: /M_MISSING_TOKEN/ })
  const wrong = { headers: ['Authorization: Bearer wrong'] }
  await refused(put(port, ODD, wrong), { status: 403, body: /M_FORBIDDEN/ })
  await refused(put(port, '{'), { status: 400, body: /M_NOT_JSON/ })
  await refused(put(port, ''), { status: 400, body: /M_NOT_JSON/ })
  await refused(put(port, '[', { headers: [BEARER, 'Content-Length: 99999999'] }), {
    status: 413,
    body: /M_TOO_LARGE/,
  })
  store.failReads = true
  const body = JSON.stringify({ events: [event('@new:x.org', 'hi')] })
  await refused(put(port, body), { status: 503, body: /M_UNKNOWN/ })
  store.failReads = false
  t.match(await put(port, body), { status: 200, body: '{}' }, 'the same one, sent again')
  t.equal(received.splice(0).length, 1)
}

/** Sends a refused request with a body that nobody reads, and in it what looks like another request. */
export async function sendUnread(port: number): Promise<RawAnswer | undefined> {
  const inside = request({ method: 'PUT', path: '/inside', headers: [], body: '{}' })
  const headers = ['Authorization: Bearer wrong']
  return sendRaw(port, request({ headers, body: inside }))
}
