import type { Unerased } from './unerased.ts'

/**
 * Which of these users are erased. Asks for all at once, each once.
 *
 * @param unerased - those about whom nobody need be asked; it learns who is not erased
 */
export async function findErased(
  userIds: Iterable<string>,
  isErased: (userId: string) => Promise<boolean>,
  unerased?: Unerased,
): Promise<ReadonlySet<string>> {
  const erased = new Set<string>()
  const requests = unerased?.requests ?? 0
  const ask = async (userId: string) => {
    if (await isErased(userId)) erased.add(userId)
    else unerased?.note(userId, requests)
  }
  const asked = new Set<string>()
  for (const userId of userIds) if (unerased?.has(userId) !== true) asked.add(userId)
  await Promise.all(Array.from(asked, ask))
  return erased
}
