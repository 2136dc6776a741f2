import type { Erasure } from '../../core/erasure.ts'

/** What the guard reads of a Matrix event, and blanks in it. */
export interface GuardedEvent {
  type?: unknown
  sender?: unknown
  state_key?: unknown
  content?: unknown
  unsigned?: unknown
}

/** What to do with an event that arrived. */
export type Verdict = 'pass' | 'drop'

/**
 * Keeps late events of an erased user away from the bridge (promise 6): they arrive for minutes
 * after the request, and a bridge that stores them brings the user back.
 *
 * His own leave passes, because the bridge must part his puppet, but with the profile taken out
 * of the event itself, so that nobody who holds it can store it. What others do passes.
 *
 * @throws ErasureError `STORE_UNREADABLE`
 */
export async function guardEvent(
  erasure: Erasure,
  event: GuardedEvent,
): Promise<Verdict> {
  const { sender } = event
  if (typeof sender !== 'string' || !(await erasure.isErased(sender))) return 'pass'
  if (!isOwnLeave(event)) return 'drop'
  event.content = { membership: 'leave' }
  // Holds the content before, and so the profile.
  delete event.unsigned
  return 'pass'
}

/**
 * Takes erased users out of typing notices and receipts, and drops their presence.
 *
 * @throws ErasureError `STORE_UNREADABLE`
 */
export async function guardEphemeral(
  erasure: Erasure,
  event: GuardedEvent,
): Promise<Verdict> {
  const content = event.content
  if (event.type === 'm.presence') return guardEvent(erasure, event)
  if (
    event.type === 'm.typing' &&
    isObject(content) &&
    Array.isArray(content['user_ids'])
  ) {
    const erased = await erasedOf(erasure, content['user_ids'])
    content['user_ids'] = content['user_ids'].filter(user => !erased.has(user))
  }
  if (event.type === 'm.receipt' && isObject(content)) {
    const receipts = Object.values(content)
      .filter(isObject)
      .flatMap(Object.values)
      .filter(isObject)
    for (const receipt of receipts) {
      for (const user of await erasedOf(erasure, Object.keys(receipt)))
        delete receipt[user]
    }
  }
  return 'pass'
}

function isOwnLeave({ type, sender, state_key: user, content }: GuardedEvent): boolean {
  if (type !== 'm.room.member' || user !== sender) return false
  return isObject(content) && content['membership'] === 'leave'
}

async function erasedOf(
  erasure: Erasure,
  users: readonly unknown[],
): Promise<Set<string>> {
  const erased = new Set<string>()
  for (const user of users) {
    if (typeof user === 'string' && (await erasure.isErased(user))) erased.add(user)
  }
  return erased
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
