import t from 'tap'

import { receiveErase } from '../../../lib/doors/http/receive-erase.ts'
import { HS_TOKEN, openVolatileErasure } from '../../support/open-erasure.ts'

const REQUEST = {
  method: 'POST',
  authorization: [`Bearer ${HS_TOKEN}`],
  queryTokens: [],
}

t.test('a door whose readBody rejects gets an answer all the same', async t => {
  const { erasure } = await openVolatileErasure(t)
  const readBody = () => Promise.reject(new Error('the socket is on fire'))
  const answer = await receiveErase(erasure.door, { ...REQUEST, readBody })
  t.match(answer, { status: 400, body: /M_NOT_JSON/ })
  t.notMatch(answer.body, /fire/)
})

t.test('no door need read a body before the token is checked', async t => {
  const { erasure } = await openVolatileErasure(t)
  const wrong: readonly (readonly [object, number])[] = [
    [{ authorization: [] }, 401],
    [{ authorization: ['Bearer wrong'] }, 403],
    [{ method: 'post' }, 405],
    [{ contentEncoding: 'gzip' }, 400],
  ]
  for (const [sent, status] of wrong) {
    const readBody = () => t.fail('the body was read') as never
    const answer = await receiveErase(erasure.door, { ...REQUEST, ...sent, readBody })
    t.equal(answer.status, status, JSON.stringify(sent))
  }
})

t.test('what is not compressed may say so', async t => {
  const { erasure } = await openVolatileErasure(t)
  for (const contentEncoding of [undefined, 'identity']) {
    const readBody = async () => ({ text: '{"user_id":"@bob:example.org"}' })
    const sent = { ...REQUEST, contentEncoding, readBody }
    t.equal((await receiveErase(erasure.door, sent)).status, 200)
  }
})
