import t from 'tap'

import { eraseFetch } from '../../../lib/doors/fetch/erase-fetch.ts'
import { ERASE_PATH } from '../../support/answers.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'

const bob = '@bob:example.org'
const URL_OF_ERASE = `http://localhost${ERASE_PATH}`

/** A request as a homeserver sends it. */
const post = (init: RequestInit = {}) =>
  new Request(URL_OF_ERASE, {
    method: 'POST',
    headers: { authorization: `Bearer ${HS_TOKEN}` },
    body: JSON.stringify({ user_id: bob }),
    ...init,
  })

t.test('a request to the endpoint has an answer, and any other has none', async t => {
  const { erasure } = await openVolatileErasure(t)
  const erase = eraseFetch(erasure)
  const answer = await erase(post())
  t.equal(answer?.status, 200)
  t.equal(answer?.headers.get('content-length'), '2')
  t.same(await answer?.json(), {})
  t.ok(await erasure.isErased(bob))
  t.equal(await erase(new Request('http://localhost/other')), undefined)
  t.equal(await erase(new Request(`http://localhost/${ERASE_PATH}`)), undefined)
})

t.test('a body that is missing, or breaks off, is answered', async t => {
  const { erasure } = await openVolatileErasure(t)
  const erase = eraseFetch(erasure)
  t.equal((await erase(post({ body: null })))?.status, 400)
  const body = new ReadableStream({
    pull: controller => controller.error(new Error('the client is gone')),
  })
  const answer = await erase(post({ body, duplex: 'half' }))
  t.equal(answer?.status, 400)
  t.match(await answer?.json(), { errcode: 'M_NOT_JSON', error: /cut off/ })
})

t.test('a body that was read before is refused, and the log says why', async t => {
  const { erasure, log } = await openVolatileErasure(t)
  const erase = eraseFetch(erasure)
  const read = post()
  await read.text()
  t.equal((await erase(read))?.status, 400)
  t.match(log.text(), /was read before it came to its door/)
  t.notMatch(log.text(), /bob/)
  const body = JSON.stringify({ user_id: bob })
  const anew = new Request(read, { method: 'POST', body })
  t.equal((await erase(anew))?.status, 200, 'made anew, it counts')
})
