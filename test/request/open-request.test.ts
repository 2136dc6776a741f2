import t from 'tap'

import {
  type HandlerProgress,
  handlerState,
  type OpenRequest,
  requestState,
} from '../../lib/request/open-request.ts'
import { standInId, standInTag } from '../../lib/testing/engines/stand-ins.ts'
import type { Sealed } from '../../lib/user-seal/user-seal.ts'

const request: OpenRequest = {
  id: standInId('request-1'),
  tag: standInTag('tag-1'),
  sealed: 'sealed' as Sealed,
  receivedAt: 1,
  handlers: {},
}
const fresh: HandlerProgress = {
  purged: false,
  failures: 0,
  rounds: 0,
  notBefore: 0,
  blocked: false,
  removed: 0,
  retained: [],
}
const kept = { what: 'invoices', why: 'legal-obligation', count: 1, until: 5 }

t.test('states are read off what is stored', async t => {
  const handlers: ReadonlyArray<readonly [Partial<HandlerProgress>, string]> = [
    [{}, 'pending'],
    [{ cursor: 'x' as Sealed }, 'purging'],
    [{ failures: 1 }, 'retrying'],
    [{ rounds: 1 }, 'retrying'],
    [{ purged: true, rounds: 1 }, 'purged'],
    [{ purged: true }, 'purged'],
    [{ purged: true, settledAt: 1 }, 'purged'],
    [{ purged: true, settledAt: 1, confirmedAt: 2 }, 'verified'],
    [{ purged: true, settledAt: 1, confirmedAt: 2, retained: [kept] }, 'retained'],
    [{ purged: true, settledAt: 1, asserted: true }, 'purged'],
    [{ purged: true, settledAt: 1, asserted: true, retained: [kept] }, 'retained'],
    [{ blocked: true, failures: 8 }, 'blocked'],
  ]
  for (const [change, state] of handlers)
    t.equal(handlerState({ ...fresh, ...change }), state)
  const settled = { ...fresh, purged: true, settledAt: 1 }
  const confirmed = { ...settled, confirmedAt: 2 }
  const requests: ReadonlyArray<readonly [Partial<OpenRequest>, string]> = [
    [{}, 'accepted'],
    [{ handlers: { a: fresh, b: fresh } }, 'purging'],
    [{ handlers: { a: { ...fresh, purged: true }, b: settled } }, 'purging'],
    [{ handlers: { a: settled } }, 'settling'],
    // What has not begun comes after what has settled.
    [{ handlers: { a: fresh, b: settled } }, 'settling'],
    [{ handlers: { a: confirmed, b: { ...confirmed, retained: [kept] } } }, 'retaining'],
    [{ handlers: { a: fresh, b: { ...confirmed, retained: [kept] } } }, 'retaining'],
    [{ handlers: { a: settled, b: { ...confirmed, retained: [kept] } } }, 'settling'],
    [{ handlers: { a: settled, b: { ...fresh, blocked: true } } }, 'blocked'],
    [{ broken: true }, 'blocked'],
  ]
  for (const [change, state] of requests)
    t.equal(requestState({ ...request, ...change }), state)
})
