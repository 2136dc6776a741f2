/** A JSON object. */
type JsonObject = Readonly<Record<string, unknown>>

/** Called for every user whose own data or actions are in a transaction. */
type IsErased = (userId: string) => boolean

/** What a transaction consists of, in its stable and unstable spellings. */
const PARTS: ReadonlyMap<string, (value: unknown, isErased: IsErased) => unknown> =
  new Map([
    ['events', ofEach(guardEvent)],
    ['ephemeral', ofEach(guardEphemeral)],
    ['de.sorunome.msc2409.ephemeral', ofEach(guardEphemeral)],
    ['to_device', ofEach(dropErasedSender)],
    ['de.sorunome.msc2409.to_device', ofEach(dropErasedSender)],
    ['device_lists', guardDeviceLists],
    ['org.matrix.msc3202.device_lists', guardDeviceLists],
  ])

/**
 * Removes late events of erased users from a transaction, the body of
 * `PUT /_matrix/app/v1/transactions/{txnId}`. Such events arrive for minutes after the request, and a
 * bridge that stores them brings the user back (promise 6).
 *
 * Drops everything that an erased user does, except what removes data: their own leave, reduced to the
 * bare fact, and their redactions, without the reason. What other users do passes unchanged, even if it
 * concerns the erased user. Changes nothing in place; if the transaction contains nothing of an erased
 * user, returns the transaction itself.
 *
 * @see https://spec.matrix.org/v1.16/application-service-api/#pushing-events
 */
export function guardTransaction(transaction: object, isErased: IsErased): object {
  if (!isObject(transaction)) return transaction
  return mapValues(transaction, (value, name) => {
    const guard = PARTS.get(name)
    return guard === undefined ? value : guard(value, isErased)
  })
}

/** All users that {@link guardTransaction} asks about. */
export function usersOfTransaction(transaction: object): ReadonlySet<string> {
  const users = new Set<string>()
  guardTransaction(transaction, userId => {
    users.add(userId)
    return false
  })
  return users
}

function guardEvent(event: unknown, isErased: IsErased): unknown {
  if (!isSentByErased(event, isErased)) return event
  const { type, sender, state_key: user } = event
  const content = isObject(event['content']) ? event['content'] : {}
  if (type === 'm.room.member' && user === sender && content['membership'] === 'leave') {
    return { ...bare(event), state_key: user, content: { membership: 'leave' } }
  }
  if (type !== 'm.room.redaction') return undefined
  // Of old a property of the event, since version 11 of rooms one of the content; Synapse sends both.
  const ofEvent = pickString(event, 'redacts')
  const ofContent = pickString(content, 'redacts')
  const isWhole = 'redacts' in ofEvent || 'redacts' in ofContent
  return isWhole ? { ...bare(event), ...ofEvent, content: ofContent } : undefined
}

/**
 * What every event has, and nothing else: Synapse repeats the content before, and so the profile,
 * at the top level and under `unsigned`. When it was is not needed to carry it out; frameworks
 * note it as the last time that the user was active, except if it is 0.
 */
function bare(event: JsonObject): JsonObject {
  const { type, event_id, room_id, sender } = event
  return { type, event_id, room_id, sender, origin_server_ts: 0 }
}

function pickString(from: JsonObject, name: string): JsonObject {
  const value = from[name]
  return typeof value === 'string' ? { [name]: value } : {}
}

function guardEphemeral(event: unknown, isErased: IsErased): unknown {
  if (!isObject(event)) return event
  const { type, content } = event
  if (type === 'm.presence') return dropErasedSender(event, isErased)
  if (!isObject(content)) return event
  const guarded =
    type === 'm.typing'
      ? guardUserList(content, 'user_ids', isErased)
      : type === 'm.receipt'
        ? mapValues(content, kinds => mapObject(kinds, by => dropKeys(by, isErased)))
        : content
  return guarded === content ? event : { ...event, content: guarded }
}

/** `left` passes: it has the bridge forget devices. */
function guardDeviceLists(lists: unknown, isErased: IsErased): unknown {
  return isObject(lists) ? guardUserList(lists, 'changed', isErased) : lists
}

function dropErasedSender(event: unknown, isErased: IsErased): unknown {
  return isSentByErased(event, isErased) ? undefined : event
}

function isSentByErased(event: unknown, isErased: IsErased): event is JsonObject {
  return (
    isObject(event) && typeof event['sender'] === 'string' && isErased(event['sender'])
  )
}

function guardUserList(from: JsonObject, name: string, isErased: IsErased): JsonObject {
  return mapValues(from, (value, key) =>
    key === name ? dropErased(value, isErased) : value,
  )
}

const dropErased = ofEach((user, isErased) =>
  typeof user === 'string' && isErased(user) ? undefined : user,
)

function dropKeys(value: unknown, isErased: IsErased): unknown {
  return mapObject(value, (kept, key) => (isErased(key) ? undefined : kept))
}

/** Applies `guard` to each item of a list; `undefined` drops it. The list itself if none changes. */
function ofEach(
  guard: (item: unknown, isErased: IsErased) => unknown,
): (list: unknown, isErased: IsErased) => unknown {
  return (list, isErased) => {
    if (!Array.isArray(list)) return list
    const guarded = list.map(item => guard(item, isErased))
    if (guarded.every((item, at) => item === list[at])) return list
    return guarded.filter(item => item !== undefined)
  }
}

function mapObject(
  value: unknown,
  change: (value: unknown, key: string) => unknown,
): unknown {
  return isObject(value) ? mapValues(value, change) : value
}

/** Changes each value; `undefined` drops it. The object itself if none changes. */
function mapValues(
  object: JsonObject,
  change: (value: unknown, key: string) => unknown,
): JsonObject {
  const entries = Object.entries(object).map(
    ([key, value]) => [key, change(value, key)] as const,
  )
  if (entries.every(([key, value]) => value === object[key])) return object
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
