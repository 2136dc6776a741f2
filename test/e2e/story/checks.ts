// What can be seen from outside: the status of the bridges, their rows, and every byte they wrote.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'

import { findResidue } from '../../../lib/testing/handlers/find-residue.ts'
import type { TestBridge } from '../bridges/test-bridge.ts'
import { until } from '../wait.ts'
import type { World } from '../world.ts'
import { GHOST } from './people.ts'

/** How many of some users' messages a bridge has. */
export function messagesLeft(bridge: TestBridge, userIds: readonly string[]): number {
  return userIds.reduce((sum, userId) => sum + bridge.messagesOf(userId), 0)
}

/** Everything the bridges have of some users, byte by byte. */
export function dump({ bridges }: World, userIds: readonly string[]): string[] {
  return bridges.map(bridge => bridge.dumpOf(userIds))
}

/**
 * Waits until so many people are erased in each bridge, and the guestbook's ghost is declined, and no
 * request is open. A diary that reads the database cannot tell a ghost of another bridge from a person.
 */
export async function becomeErased(world: World, people: number): Promise<void> {
  for (const bridge of world.bridges) {
    const isBlind = bridge === world.diary && world.reader !== undefined
    const expected = isBlind ? { erased: people + 1 } : { declined: 1, erased: people }
    await until(`the ${bridge.name} bridge has ${JSON.stringify(expected)}`, async () => {
      const { counts } = await bridge.status()
      const found = Object.entries(counts).filter(([, count]) => count > 0)
      return isDeepStrictEqual(Object.fromEntries(found), expected) || found.join(' ')
    })
    assert.equal(bridge.messagesOf(GHOST), isBlind ? 0 : 1)
  }
}

/** Waits until each bridge has listed the accounts, all of it after now. */
export async function scanAgain({ bridges }: World): Promise<void> {
  const since = Date.now()
  for (const bridge of bridges) {
    let scans = 0
    let last = 0
    await until(`the ${bridge.name} bridge asks the homeserver again`, async () => {
      const { sources } = await bridge.status()
      const at = new Date(sources[0]?.lastSuccessAt ?? 0).getTime()
      // One that ends now may have begun before; and the next may be of the short list.
      if (at > since && at !== last) scans += 1
      last = at
      return scans > 3
    })
  }
}

/** The search finds users while there is something to find. */
export function findSomething({ bridges }: World, userIds: readonly string[]): void {
  for (const { name, dataDir } of bridges)
    for (const userId of userIds) {
      const found = findResidue(userId, [dataDir])
      assert.ok(found.length > 0, `${userId} is found in the files of the ${name} bridge`)
    }
}

/** Nothing of them is in any file of the bridges. The bridges must have ended. */
export function findNothing({ bridges }: World, userIds: readonly string[]): void {
  for (const { name, dataDir } of bridges)
    for (const userId of userIds)
      assert.deepEqual(
        findResidue(userId, [dataDir]),
        [],
        `${userId} is not found in the files of the ${name} bridge`,
      )
}

/** Neither a user nor a token is in any line that the bridges have written. */
export function findNobodyInLogs({ bridges }: World, userIds: readonly string[]): void {
  for (const { name, log, asToken, hsToken } of bridges) {
    for (const userId of userIds)
      assert.deepEqual(findResidue(userId, [log]), [], `${userId}, ${name}`)
    const text = readFileSync(log, 'utf8')
    assert.ok(text.length > 1000, `the ${name} bridge logs`)
    for (const token of [asToken, hsToken]) assert.ok(!text.includes(token), name)
  }
}

/** How many pictures of people the guestbook has. */
export function picturesOf({ guestbook }: World): number {
  return readdirSync(join(guestbook.dataDir, 'avatars')).length
}
