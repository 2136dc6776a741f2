import type { DatabaseSync } from 'node:sqlite'

import type { Erasure, Logger } from 'matrix-appservice-erasure'
import type { WeakEvent } from 'matrix-appservice-bridge'

import type { Accounts } from './accounts.ts'
import type { Avatars, Picture } from './avatars.ts'
import {
  addAdminRoom,
  addEntry,
  countMessage,
  findProfile,
  setProfile,
} from './guestbook.ts'

/** What events lead to: where they are stored, and what the bot does about them. */
export interface EventSinks {
  readonly database: DatabaseSync
  readonly accounts: Accounts
  readonly avatars: Avatars
  readonly erasure: Pick<Erasure, 'isErased'>
  readonly log: Logger
  readonly botUserId: () => string
  /** Makes the bot join a room. */
  readonly joinRoom: (roomId: string, viaServer: string) => Promise<unknown>
  /** The content of a user's membership in a room. */
  readonly fetchMember: (roomId: string, userId: string) => Promise<unknown>
  readonly downloadPicture: (mxcUri: string) => Promise<Picture | undefined>
}

/**
 * Puts what Matrix users do into the guestbook. Late events of erased users do not come here, except
 * one that was waiting for its turn when the sender was erased.
 */
export async function handleEvent(event: WeakEvent, sinks: EventSinks): Promise<void> {
  if (await sinks.erasure.isErased(event.sender)) return
  // A clock that is ahead of ours must not make an entry look newer than its erasure.
  const at = Math.min(event.origin_server_ts, Date.now())
  if (event.type === 'm.room.message') return takeMessage(event, at, sinks)
  if (event.type !== 'm.room.member') return
  const { membership } = event.content
  if (membership === 'invite' && event.state_key === sinks.botUserId())
    return acceptInvite(event, at, sinks)
  // A leave needs nothing here, and is never a reason to fetch a user's profile.
  if (membership === 'join' && event.state_key === event.sender)
    await takeProfile(event.sender, event.content, at, sinks)
}

async function takeMessage(
  event: WeakEvent,
  at: number,
  sinks: EventSinks,
): Promise<void> {
  const { database, accounts, fetchMember } = sinks
  const { sender, room_id: roomId, event_id: eventId } = event
  const body = textOf(event.content)
  if (body === '') return
  if (findProfile(database, sender) === undefined) {
    // They were in the room before the bot was, so no join of theirs ever came.
    const member = await fetchMember(roomId, sender).catch(() => ({}))
    await takeProfile(sender, member, at, sinks)
  }
  const author = await accounts.accountOf(sender, at)
  const isNew = addEntry(database, { author, eventId, roomId, sender, body, sentAt: at })
  if (isNew) countMessage(database, sender, at)
}

async function takeProfile(
  userId: string,
  content: unknown,
  at: number,
  { database, avatars, erasure, downloadPicture }: EventSinks,
): Promise<void> {
  const { displayname, avatar_url: mxcUri } = Object(content) as Record<string, unknown>
  const picture = typeof mxcUri === 'string' ? await downloadPicture(mxcUri) : undefined
  // While the picture was downloading, they may have been erased.
  if (await erasure.isErased(userId)) return
  // Nothing is awaited from here on, so a purge sees the file and its row, or neither.
  const before = findProfile(database, userId)
  const avatar = picture === undefined ? null : avatars.keep(picture)
  const name = typeof displayname === 'string' ? displayname : null
  setProfile(database, userId, { name, avatar }, at)
  if (before?.avatar) avatars.remove(before.avatar)
}

async function acceptInvite(
  event: WeakEvent,
  at: number,
  { database, joinRoom, erasure, log }: EventSinks,
): Promise<void> {
  const { sender, room_id: roomId, content } = event
  try {
    await joinRoom(roomId, sender.slice(sender.indexOf(':') + 1))
  } catch {
    // Not the error itself: its text may name the room and who invited.
    log.warn('An invitation could not be accepted')
    return
  }
  if (content['is_direct'] === true && !(await erasure.isErased(sender)))
    addAdminRoom(database, roomId, sender, at)
}

/**
 * The text of a message without its quotes, which are other users' words and would stay in the
 * guestbook after those users were erased. Edits are ignored.
 */
function textOf(content: Readonly<Record<string, unknown>>): string {
  const { body, 'm.relates_to': relation } = content
  const { rel_type: kind, 'm.in_reply_to': reply } = Object(relation) as Record<
    string,
    unknown
  >
  if (typeof body !== 'string' || kind === 'm.replace') return ''
  return reply === undefined ? body : body.replace(/^(?:> .*\n?)+\n?/, '')
}
