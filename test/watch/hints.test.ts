import t from 'tap'

import type { AccountState } from '../../lib/watch/source.ts'
import { ListSource } from '../support/list-source.ts'
import { startWatching } from '../support/watch.ts'

const bob = '@bob:example.org'
const carol = '@carol:example.org'
const SECOND_MS = 1000

/** A source that notes when it looks, by the clock of the test. */
async function startHinting(
  t: Parameters<typeof startWatching>[0],
  answer: AccountState,
) {
  const source = new ListSource()
  const watching = await startWatching(t, t.testdir(), [source])
  const { clock, erasure } = watching
  const startedAt = clock.now()
  const looks: { userId: string; at: number }[] = []
  source.onLook = async userId => {
    looks.push({ userId, at: clock.now() - startedAt })
    return answer
  }
  t.teardown(() => erasure.close())
  const timesOf = (userId: string) =>
    looks.filter(look => look.userId === userId).map(({ at }) => at)
  return { ...watching, source, looks, timesOf }
}

t.test(
  'a hint has the source look at 0, 1, 5 and 30 seconds, and then no more',
  async t => {
    const { erasure, clock, timesOf, count } = await startHinting(t, 'present')
    erasure.hint(bob)
    erasure.door.hint(bob as never)
    erasure.hint('no user ID')
    await clock.advance(120 * SECOND_MS)
    t.same(timesOf(bob), [0, 1000, 5000, 30_000])
    t.equal(count('accepted'), 0, 'a hint alone erases nobody')
    erasure.hint(bob)
    await clock.advance(0)
    t.equal(timesOf(bob).length, 5, 'a later hint begins anew')
  },
)

t.test('a hint ends when the user is found erased', async t => {
  const { erasure, clock, source, timesOf } = await startHinting(t, 'present')
  erasure.hint(bob)
  await clock.advance(500)
  source.onLook = undefined
  source.set('erased', bob)
  await clock.advance(60 * SECOND_MS)
  t.same(timesOf(bob), [0])
  t.same(source.looks, [bob, bob], 'it looked once more')
  t.ok(await erasure.isErased(bob))
  await clock.advance(1000)
})

t.test('a look that hangs is aborted after ten seconds, and holds up nobody', async t => {
  const { erasure, clock, source, timesOf } = await startHinting(t, 'present')
  const look = source.onLook
  const signals: AbortSignal[] = []
  source.onLook = async (userId, signal) => {
    const state = await look?.(userId, signal)
    if (userId !== bob) return state ?? 'unknown'
    signals.push(signal)
    return new Promise(() => {})
  }
  erasure.hint(bob)
  await clock.advance(0)
  erasure.hint(carol)
  await clock.advance(2 * SECOND_MS)
  t.same(timesOf(carol), [0, 1000])
  await clock.advance(7999)
  t.notOk(signals[0]?.aborted)
  await clock.advance(1)
  t.ok(signals[0]?.aborted)
  await clock.advance(60 * SECOND_MS)
  t.same(
    timesOf(bob),
    [0, 10_000, 20_000, 30_000],
    'what is late comes as soon as it can',
  )
})

t.test('a thousand leaves a second cost at most twenty looks a second', async t => {
  const { erasure, clock, looks } = await startHinting(t, 'present')
  for (let second = 0; second < 5; second += 1) {
    for (let user = 0; user < 1000; user += 1) {
      erasure.hint(`@u${second}-${user}:example.org`)
    }
    await clock.advance(SECOND_MS)
  }
  await clock.advance(300 * SECOND_MS)
  for (const [index, { at }] of looks.entries()) {
    const later = looks[index + 20]
    if (later !== undefined) t.ok(later.at - at >= SECOND_MS, `${index}`)
  }
  t.ok(looks.length >= 4000, `${looks.length} looks: four at each of a thousand`)
  const users = new Set(looks.map(({ userId }) => userId))
  t.ok(users.size < 1500, `${users.size}: what does not fit is left to the scan`)
})

t.test('hints are ignored before the start, and after the end', async t => {
  const { erasure, clock, looks } = await startHinting(t, 'present')
  erasure.hint(bob)
  await clock.advance(0)
  await erasure.close()
  erasure.hint(carol)
  await clock.advance(60 * SECOND_MS)
  t.equal(looks.length, 1)
})
