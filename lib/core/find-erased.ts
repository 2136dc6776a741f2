import { isUserId, type UserId } from '../matrix/user-id.ts'
import type { Unerased } from './unerased.ts'

const NOBODY: ReadonlySet<UserId> = new Set()

/**
 * Which of these users are erased. Strings that are not user IDs are nobody.
 *
 * @param ask - asks the store about all it is given at once; each is given once
 * @param unerased - those about whom nobody need be asked; it learns who is not erased
 */
export async function findErased(
  userIds: Iterable<string>,
  ask: (userIds: readonly UserId[]) => Promise<ReadonlySet<UserId>>,
  unerased?: Unerased,
): Promise<ReadonlySet<string>> {
  const asked = new Set<UserId>()
  for (const userId of userIds) {
    if (unerased?.has(userId) !== true && isUserId(userId)) asked.add(userId)
  }
  if (asked.size === 0) return NOBODY
  const requests = unerased?.requests ?? 0
  const erased = await ask([...asked])
  for (const userId of asked) if (!erased.has(userId)) unerased?.note(userId, requests)
  return erased
}
