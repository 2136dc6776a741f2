import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'

import type { Bridge } from 'matrix-appservice-bridge'
import type { Logger } from 'matrix-appservice-erasure'

import type { Accounts } from './accounts.ts'
import { addEntry, isAdminRoom, setProfile } from './guestbook.ts'
import { GHOST_PREFIX } from './framework.ts'
import type { Signature } from './web.ts'

/** What signing needs. */
export interface SignOptions {
  readonly bridge: Bridge
  readonly database: DatabaseSync
  readonly accounts: Accounts
  readonly log: Logger
}

/**
 * Sends a visitor's signature to Matrix: their ghost says it in a room the bot is in. If that fails,
 * the signature is still in the guestbook.
 */
export async function sign(
  { name, body, roomId: given }: Signature,
  { bridge, database, accounts, log }: SignOptions,
): Promise<void> {
  const ghost = `${GHOST_PREFIX}${slugOf(name)}:${bridge.opts.domain}`
  const sentAt = Date.now()
  let roomId: string | undefined
  let eventId: string | undefined
  try {
    const joined = await bridge.getBot().getJoinedRooms()
    // A direct room is for its user and the bot.
    const rooms = joined.filter(room => !isAdminRoom(database, room))
    roomId = given === undefined ? rooms[0] : rooms.find(room => room === given)
    if (roomId !== undefined) {
      const intent = bridge.getIntent(ghost)
      await intent.setDisplayName(name)
      eventId = (await intent.sendText(roomId, body)).event_id
    }
  } catch {
    // Not the error itself: its text names the room and the ghost.
    log.warn('A signature could not be sent to Matrix')
  }
  const author = await accounts.accountOf(ghost, sentAt)
  setProfile(database, ghost, { name, avatar: null }, sentAt)
  addEntry(database, { author, sender: ghost, eventId, roomId, body, sentAt })
}

/** A visitor's name as part of a user ID. Names that are not allowed there are hashed. */
function slugOf(name: string): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  const slug = plain.trim().replace(/\s+/g, '-')
  if (/^[a-z0-9.-]+$/.test(slug)) return slug
  return createHash('sha256').update(name).digest('hex').slice(0, 16)
}
