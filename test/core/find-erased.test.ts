import t from 'tap'

import { findErased } from '../../lib/core/find-erased.ts'

t.test('9.25: everybody is asked about at once, and once', async t => {
  const asked: string[] = []
  const release = Promise.withResolvers<void>()
  const isErased = async (userId: string) => {
    asked.push(userId)
    await release.promise
    return userId.startsWith('@bob')
  }
  const users = ['@bob:b.c', '@carol:b.c', '@bob:b.c', '@bobby:b.c']
  const found = findErased(users, isErased)
  t.same(asked, ['@bob:b.c', '@carol:b.c', '@bobby:b.c'], 'before anything is answered')
  release.resolve()
  t.same(await found, new Set(['@bob:b.c', '@bobby:b.c']))
})

t.test('if one cannot be asked about, nothing is known', async t => {
  const isErased = async (userId: string) => {
    if (userId === '@bob:b.c') throw new Error('the disk is on fire')
    return true
  }
  await t.rejects(findErased(['@carol:b.c', '@bob:b.c'], isErased), /on fire/)
})
