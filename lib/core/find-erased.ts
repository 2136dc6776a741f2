/** Which of these users are erased. Asks for all at once, each once. */
export async function findErased(
  userIds: Iterable<string>,
  isErased: (userId: string) => Promise<boolean>,
): Promise<ReadonlySet<string>> {
  const erased = new Set<string>()
  const ask = async (userId: string) => {
    if (await isErased(userId)) erased.add(userId)
  }
  await Promise.all(Array.from(new Set(userIds), ask))
  return erased
}
