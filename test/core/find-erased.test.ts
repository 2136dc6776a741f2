import t from 'tap'

import { findErased } from '../../lib/core/find-erased.ts'
import type { UserId } from '../../lib/matrix/user-id.ts'
import { memoryStore } from '../support/memory-store.ts'
import { openVolatileErasure } from '../support/open-erasure.ts'

const bob = '@bob:b.c' as UserId

t.test('9.25: everybody is asked about at once, and once', async t => {
  const asked: (readonly string[])[] = []
  const ask = async (userIds: readonly UserId[]) => {
    asked.push(userIds)
    return new Set(userIds.filter(userId => userId.startsWith('@bob')))
  }
  const users = [bob, '@carol:b.c', 'nobody', bob, '@bobby:b.c', '']
  t.same(await findErased(users, ask), new Set([bob, '@bobby:b.c']))
  t.same(asked, [[bob, '@carol:b.c', '@bobby:b.c']])
  t.same(await findErased(['nobody'], ask), new Set())
  t.equal(asked.length, 1, 'nobody is not asked about')
})

t.test('if one cannot be asked about, nothing is known', async t => {
  const ask = async () => {
    throw new Error('the disk is on fire')
  }
  await t.rejects(findErased(['@carol:b.c', bob], ask), /on fire/)
})

t.test('10.4: a store is read once for all, however it answers', async t => {
  const users = ['@a:b.c', bob, '@d:b.c']
  const stores = {
    'without getMany': () => memoryStore(true),
    'with it': () => {
      const store = memoryStore(true)
      const { get } = store
      const getMany = async (keys: string[]) =>
        Promise.all(keys.map(async key => get(key)))
      // Once it answers for many, one at a time is a mistake.
      return Object.assign(store, {
        getMany,
        get: (key: string) => (key.includes('tombstone') ? t.fail(key) : get(key)),
      })
    },
    'that leaves out what is not there': () => {
      const store = memoryStore(true)
      const { get } = store
      const getMany = async (keys: string[]) => {
        const all = await Promise.all(keys.map(async key => get(key)))
        return all.filter(value => value !== undefined)
      }
      return Object.assign(store, { getMany })
    },
  }
  for (const [what, create] of Object.entries(stores)) {
    const { erasure, store } = await openVolatileErasure(t, { store: create() as never })
    await erasure.accept(bob)
    t.same([...(await erasure.door.findErased(users))], [bob], what)
    store.failReads = true
  }
})
