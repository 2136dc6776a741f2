import t from 'tap'

import { findErased } from '../../lib/core/find-erased.ts'
import { Unerased } from '../../lib/core/unerased.ts'
import type { UserId } from '../../lib/matrix/user-id.ts'
import { memoryStore } from '../support/memory-store.ts'
import { openErasure, openVolatileErasure } from '../support/open-erasure.ts'

const bob = '@bob:example.org' as UserId
const carol = '@carol:example.org'

t.test('10.4: who is not erased is asked about once', async t => {
  const unerased = new Unerased()
  const asked: string[] = []
  const ask = async (userIds: readonly UserId[]) => {
    asked.push(...userIds)
    return new Set(userIds.filter(userId => userId === bob))
  }
  for (let round = 0; round < 3; round += 1)
    t.same([...(await findErased([bob, carol, 'odd'], ask, unerased))], [bob])
  t.same(asked, [bob, carol, bob, bob], 'anybody else each time')
})

t.test('10.4: an answer from before a request counts for nothing after it', async t => {
  const unerased = new Unerased()
  const answer = Promise.withResolvers<ReadonlySet<UserId>>()
  const finding = findErased([bob], () => answer.promise, unerased)
  unerased.forget(bob)
  answer.resolve(new Set())
  t.same([...(await finding)], [])
  t.notOk(unerased.has(bob), 'it was not noted')
  t.same([...(await findErased([bob], async () => new Set([bob]), unerased))], [bob])
})

t.test('10.4: it remembers so many and no more', t => {
  const unerased = new Unerased()
  const nameOf = (at: number) => `@user-${at}:example.org` as UserId
  for (let at = 0; at < 40_000; at += 1) unerased.note(nameOf(at), 0)
  t.ok(unerased.has(nameOf(0)), 'who is asked about again stays')
  for (let at = 40_000; at < 70_000; at += 1) unerased.note(nameOf(at), 0)
  t.notOk(unerased.has(nameOf(1)), 'the first have made room')
  t.ok(unerased.has(nameOf(69_999)))
  unerased.forget(nameOf(45_000))
  unerased.forget(nameOf(69_999))
  t.notOk(unerased.has(nameOf(45_000)) || unerased.has(nameOf(69_999)))
  t.end()
})

t.test('10.4: from the first byte of a request on, its user is asked about', async t => {
  const erasure = await openErasure(t)
  const find = async () => [...(await erasure.door.findErased([bob, carol]))]
  t.same(await find(), [])
  t.same(await find(), [])
  const accepting = erasure.accept(bob)
  // `allow` is asked first: a turn of the event loop, and not more.
  await Promise.resolve()
  t.same(await find(), [bob], 'while it is being written')
  await accepting
  t.same(await find(), [bob])
  await erasure.lift(bob)
  t.same(await find(), [])
  await erasure.accept(carol)
  t.same(await find(), [carol])
})

t.test('10.4: of a store that others write, nothing is remembered', async t => {
  const store = memoryStore(true)
  const ours = await openVolatileErasure(t, { store })
  const theirs = await openVolatileErasure(t, { store })
  const find = async () => [...(await ours.erasure.door.findErased([bob]))]
  t.same(await find(), [])
  await theirs.erasure.accept(bob)
  t.same(await find(), [bob])
})
