import t from 'tap'

import { guardFetch } from '../../../lib/doors/fetch/guard-fetch.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'
import { TRANSACTION_PATH } from '../../support/walk-guard.ts'

const bob = '@bob:example.org'
const ODD = ' { "events" : [ {"n":1.0, "sender":"@al:x.org"} ],\n "\\u0061":"é" } '

/** A transaction as a homeserver sends it. */
const put = (body: string, headers: Readonly<Record<string, string>> = {}) =>
  new Request(`http://localhost${TRANSACTION_PATH}`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${HS_TOKEN}`,
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      ...headers,
    },
    body,
  })

t.test('what is no transaction comes back as it is', async t => {
  const { erasure } = await openVolatileErasure(t)
  const guard = guardFetch(erasure)
  for (const [method, url] of [
    ['GET', `http://localhost${TRANSACTION_PATH}`],
    ['POST', 'http://localhost/other'],
  ] as const) {
    const request = new Request(url, { method })
    t.equal(await guard(request), request)
  }
})

t.test('a transaction goes on byte for byte, or without an erased user', async t => {
  const { erasure } = await openVolatileErasure(t)
  const guard = guardFetch(erasure)
  const untouched = await guard(put(ODD, { 'x-more': 'yes' }))
  t.match(untouched, { method: 'PUT', url: `http://localhost${TRANSACTION_PATH}` })
  t.equal(untouched.headers.get('x-more'), 'yes')
  t.equal(untouched.headers.get('content-length'), String(Buffer.byteLength(ODD)))
  t.equal(await untouched.text(), ODD)
  await erasure.accept(bob)
  const late = JSON.stringify({ events: [{ type: 'm.x', sender: bob }], é: 1 })
  const guarded = await guard(put(late))
  const left = JSON.stringify({ events: [], é: 1 })
  t.equal(guarded.headers.get('content-length'), String(Buffer.byteLength(left)))
  t.equal(guarded.headers.get('content-type'), 'application/json')
  t.equal(await guarded.text(), left)
})

t.test('what may not go on is answered', async t => {
  const { erasure, store } = await openVolatileErasure(t)
  const guard = guardFetch(erasure)
  const statusOf = async (request: Request) => {
    const answer = await guard(request)
    return answer instanceof Response ? answer.status : 'it goes on'
  }
  t.equal(await statusOf(put(ODD, { authorization: 'Bearer wrong' })), 403)
  t.equal(await statusOf(put('{')), 400)
  const read = put(ODD)
  await read.text()
  t.equal(await statusOf(read), 400, 'one that was read before')
  store.failReads = true
  t.equal(await statusOf(put(ODD)), 503)
  store.failReads = false
  t.equal(await statusOf(put(ODD)), 'it goes on')
})
