import t from 'tap'

import type { PlannedHandler } from '../../lib/request/next-step.ts'
import type { HandlerProgress, OpenRequest } from '../../lib/request/open-request.ts'
import {
  foundLeft,
  freshProgress,
  othersAfterFind,
} from '../../lib/request/transitions.ts'
import { standInId, standInTag } from '../../lib/testing/engines/stand-ins.ts'
import type { Sealed } from '../../lib/user-seal/user-seal.ts'

const now = Date.UTC(2026, 0, 1)
const planned = (name: string, ...after: string[]): PlannedHandler => ({
  name,
  after,
  verifies: true,
})
/** Two chains that have nothing to do with each other. */
const plan = [
  planned('rows'),
  planned('link', 'rows'),
  planned('map', 'link'),
  planned('files'),
  planned('folder', 'files'),
]
const confirmed: HandlerProgress = {
  ...freshProgress(now - 3000),
  purged: true,
  settledAt: now - 2000,
  confirmedAt: now - 1000,
  removed: 7,
}

function afterFind(name: string, change: Partial<HandlerProgress> = {}): OpenRequest {
  const handlers = plan.map(handler => [handler.name, confirmed] as const)
  const request: OpenRequest = {
    id: standInId('request-1'),
    tag: standInTag('tag-1'),
    sealed: 'sealed' as Sealed,
    receivedAt: 1,
    handlers: { ...Object.fromEntries(handlers), [name]: { ...confirmed, ...change } },
  }
  return { ...request, handlers: othersAfterFind(request, name, plan, now) }
}

t.test('what came back at one handler concerns its own chain only', async t => {
  const { rows, link, map, files, folder } = afterFind('link').handlers
  t.equal(
    link?.confirmedAt,
    confirmed.confirmedAt,
    'its own progress is not changed here',
  )
  t.match(
    map,
    { purged: false, removed: 7, notBefore: now },
    'what comes after starts over',
  )
  t.notOk(map !== undefined && 'settledAt' in map)
  t.equal(rows?.settledAt, confirmed.settledAt)
  t.notOk(rows !== undefined && 'confirmedAt' in rows, 'is verified once more before')
  t.same([files, folder], [confirmed, confirmed], 'the other chain is left alone')
})

t.test('what comes after is all that comes after, at any distance', async t => {
  const { rows, link, map, files, folder } = afterFind('rows').handlers
  for (const later of [link, map]) t.match(later, { purged: false })
  t.match([rows, files, folder], [confirmed, confirmed, confirmed])
})

t.test('what comes before is all that comes before, at any distance', async t => {
  const { rows, link, files, folder } = afterFind('map').handlers
  for (const earlier of [rows, link])
    t.notOk(earlier !== undefined && 'confirmedAt' in earlier)
  t.same([files, folder], [confirmed, confirmed])
})

t.test(
  'what was never gone has not come back: nobody is verified again for it',
  async t => {
    const { settledAt: _at, confirmedAt: _again, ...unsettled } = confirmed
    const request = { ...afterFind('link'), handlers: {} }
    const handlers = { rows: confirmed, link: unsettled }
    const others = othersAfterFind({ ...request, handlers }, 'link', plan, now)
    t.same(others['rows'], confirmed)
  },
)

t.test(
  'each round waits for up to twice as long, up to the cap, and the last blocks',
  async t => {
    const retry = { attempts: 4, baseMs: 1000, capMs: 3000 }
    const limits = [1000, 2000, 3000]
    let progress = confirmed
    for (const [index, limitMs] of limits.entries()) {
      const longest = Array.from({ length: 200 }, () => foundLeft(progress, retry, now))
        .map(({ notBefore }) => notBefore - now)
        .reduce((most, ms) => Math.max(most, ms))
      t.ok(longest <= limitMs && longest > limitMs / 2, `round ${index + 1}`)
      progress = foundLeft(progress, retry, now)
      t.match(progress, { rounds: index + 1, failures: 0, blocked: false, purged: false })
    }
    t.match(foundLeft(progress, retry, now), { blocked: true, code: 'VERIFY_FOUND' })
  },
)
