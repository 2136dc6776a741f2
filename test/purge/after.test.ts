// 9.A2: what others need to find data stays until nothing of it is left.
import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import type { Erasure } from '../../lib/core/erasure.ts'
import type { PurgeHandler } from '../../lib/purge/handler.ts'
import { type FakeClock, fakeClock } from '../support/fake-clock.ts'
import { volatile } from '../support/open-erasure.ts'

const bob = '@bob:example.org'
const remote = 'remote-7'
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const settleMs = 15 * MINUTE_MS

/** A bridge that finds messages by the remote user, and the remote user by the link. */
interface Bridge {
  readonly clock: FakeClock
  readonly start: number
  readonly erasure: Erasure
  /** Messages, by remote user. */
  readonly messages: Map<string, number>
  readonly links: Map<string, string>
  /** Calls as `purge messages`, each with its minute. */
  readonly calls: string[]
  readonly counts: () => Promise<Record<string, number>>
}

interface Handlers {
  readonly messages: PurgeHandler
  readonly link: PurgeHandler
}

async function openBridge(
  change: (bridge: Bridge, handlers: Handlers) => Partial<Handlers> = () => ({}),
): Promise<Bridge> {
  const clock = fakeClock()
  const erasure = await createErasure(volatile({ clock, settleMs, sweepMs: DAY_MS }))
  const links = new Map([[bob, remote]])
  const messages = new Map([[remote, 5]])
  const calls: string[] = []
  const start = clock.now()
  const counts = async () => ({ ...(await erasure.status()).counts })
  const bridge = { clock, start, erasure, messages, links, calls, counts }
  const note = (call: string) =>
    void calls.push(`${call} ${(clock.now() - start) / MINUTE_MS}`)
  const handlers: Handlers = {
    messages: {
      async purge({ userId }) {
        note('purge messages')
        const removed = messages.get(links.get(userId) ?? '') ?? 0
        messages.delete(links.get(userId) ?? '')
        return { removed }
      },
      async verify({ userId }) {
        note('verify messages')
        return messages.get(links.get(userId) ?? '') ?? 0
      },
    },
    link: {
      async purge({ userId }) {
        note('purge link')
        links.delete(userId)
      },
      async verify({ userId }) {
        note('verify link')
        return links.has(userId) ? 1 : 0
      },
      after: ['messages'],
    },
  }
  const changed = { ...handlers, ...change(bridge, handlers) }
  erasure.onUserErase('messages', changed.messages)
  erasure.onUserErase('link', changed.link)
  await erasure.start()
  await erasure.accept(bob)
  return bridge
}

t.test(
  '9.A2: a late message between the two verifications is found, since the link is still there',
  async t => {
    const { clock, erasure, messages, links, counts } = await openBridge()
    await clock.advance(10 * MINUTE_MS)
    t.ok(links.has(bob), 'what messages are found by stays until they are confirmed')
    t.match(await counts(), { settling: 1 })
    messages.set(remote, 1)
    await clock.advanceUntil(async () => (await counts())['erased'] === 1)
    t.equal(messages.size, 0, 'nothing is left')
    t.equal(links.size, 0)
    await erasure.close()
  },
)

t.test('9.A2: a handler starts when those it comes after are confirmed', async t => {
  const { clock, erasure, calls, counts } = await openBridge()
  await clock.advance(DAY_MS)
  t.same(calls, [
    'purge messages 0',
    'verify messages 0',
    'verify messages 15',
    'purge link 15',
    'verify link 15',
    // All together, settleMs after the last has settled.
    'verify messages 30',
    'verify link 30',
  ])
  t.match(await counts(), { erased: 1 })
  await erasure.close()
})

t.test(
  '9.A2: what comes back after a later level ran is purged, and the later level once more',
  async t => {
    const { clock, erasure, messages, links, calls, counts } = await openBridge(
      ({ messages: rows }, handlers) => ({
        // Counts by sender, as README's does: it sees without the link.
        messages: { ...handlers.messages, verify: async () => rows.get(remote) ?? 0 },
      }),
    )
    await clock.advance(20 * MINUTE_MS)
    t.notOk(links.has(bob), 'the later level has run')
    messages.set(remote, 1)
    links.set(bob, remote)
    calls.length = 0
    await clock.advanceUntil(async () => (await counts())['erased'] === 1)
    t.equal(messages.size + links.size, 0)
    t.match(calls[0], 'purge messages', 'before the link is purged again')
    t.match(calls[1], 'purge link')
    await erasure.close()
  },
)

t.test(
  '9.A2: when the link comes back, messages are looked at before it is purged again',
  async t => {
    // One more level, so that the link is verified again before all are.
    const { clock, erasure, messages, links, counts } = await openBridge(bridge => {
      bridge.erasure.onUserErase('last', { purge: async () => {}, after: ['link'] })
      return {}
    })
    await clock.advance(20 * MINUTE_MS)
    t.notOk(links.has(bob))
    messages.set(remote, 1)
    links.set(bob, remote)
    await clock.advanceUntil(async () => (await counts())['erased'] === 1)
    t.equal(messages.size + links.size, 0)
    await erasure.close()
  },
)

t.test('9.A2: what is retained keeps what it is found by', async t => {
  const { clock, erasure, messages, links, counts } = await openBridge(
    ({ clock: now, start, messages: rows, links: byUser }, handlers) => ({
      messages: {
        ...handlers.messages,
        async purge(context) {
          const until = new Date(start + 400 * DAY_MS)
          if (now.now() >= until.getTime()) return handlers.messages.purge(context)
          const count = rows.get(byUser.get(context.userId) ?? '') ?? 0
          return {
            retained: [{ what: 'invoices', why: 'legal-obligation', count, until }],
          }
        },
      },
    }),
  )
  await clock.advance(399 * DAY_MS)
  t.match(await erasure.status(), {
    counts: { retaining: 1 },
    open: [{ handlers: { messages: { state: 'retained' }, link: { state: 'pending' } } }],
  })
  t.ok(links.has(bob))
  await clock.advance(2 * DAY_MS)
  t.match(await counts(), { erased: 1 })
  t.equal(messages.size + links.size, 0)
  await erasure.close()
})

t.test(
  '9.A2: a handler without `verify` counts as confirmed settleMs after it said done',
  async t => {
    const { clock, erasure, calls, counts } = await openBridge((_bridge, handlers) => ({
      messages: { purge: handlers.messages.purge },
    }))
    await clock.advance(DAY_MS)
    t.same(calls, [
      'purge messages 0',
      'purge link 15',
      'verify link 15',
      'verify link 30',
    ])
    t.match(await counts(), { erased: 1 })
    await erasure.close()
  },
)

t.test(
  '9.A2: each of three levels settles alone; one that fails holds up no other',
  async t => {
    const clock = fakeClock()
    const start = clock.now()
    const purged: string[] = []
    const erasure = await createErasure(volatile({ clock, settleMs, sweepMs: DAY_MS }))
    const handler = (name: string, after: string[], works = true): PurgeHandler => ({
      async purge() {
        if (!works) throw new Error('not today')
        purged.push(`${name} ${(clock.now() - start) / MINUTE_MS}`)
      },
      verify: async () => 0,
      after,
    })
    erasure.onUserErase('one', handler('one', []))
    erasure.onUserErase('two', handler('two', ['one']))
    erasure.onUserErase('three', handler('three', ['two']))
    erasure.onUserErase('broken', handler('broken', [], false))
    await erasure.start()
    await erasure.accept(bob)
    await clock.advance(DAY_MS)
    t.same(purged, ['one 0', 'two 15', 'three 30'])
    t.match((await erasure.status()).open[0]?.handlers, {
      one: { state: 'verified' },
      two: { state: 'verified' },
      three: { state: 'verified' },
      broken: { state: 'blocked' },
    })
    await erasure.close()
  },
)
