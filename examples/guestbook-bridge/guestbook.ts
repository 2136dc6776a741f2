import type { DatabaseSync } from 'node:sqlite'

/** Something written into the guestbook. */
export interface Entry {
  /** The guestbook account it belongs to. */
  readonly author: string
  /** The Matrix user who sent it, or the ghost of a visitor. */
  readonly sender: string
  readonly eventId?: string | undefined
  readonly roomId?: string | undefined
  readonly body: string
  readonly sentAt: number
}

/** An entry as visitors see it: no user ID in it. */
export interface ShownEntry {
  readonly id: number
  readonly name: string
  /** The URL path of the picture. */
  readonly avatar: string | null
  readonly body: string
  readonly sentAt: number
}

/** How a user wants to be shown, as far as known. */
export interface Profile {
  readonly name: string | null
  /** A file in the folder of avatars. */
  readonly avatar: string | null
}

/**
 * Adds an entry.
 *
 * @returns false if it is there already: a homeserver may send an event twice
 */
export function addEntry(database: DatabaseSync, entry: Entry): boolean {
  const { author, eventId = null, roomId = null, sender, body, sentAt } = entry
  const { changes } = database
    .prepare(
      `INSERT INTO entry (author, event_id, room_id, sender, body, sent_at)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
    .run(author, eventId, roomId, sender, body, sentAt)
  return changes > 0
}

/** Every entry, oldest first. */
export function listEntries(database: DatabaseSync): ShownEntry[] {
  const rows = database
    .prepare(
      `SELECT entry.id, coalesce(name, 'Somebody') AS name, '/avatars/' || avatar AS avatar,
              body, sent_at AS sentAt
       FROM entry LEFT JOIN profile ON profile.user_id = entry.sender ORDER BY entry.id`,
    )
    .all()
  return rows as unknown as ShownEntry[]
}

/** How a user is shown; `undefined` if nothing is known of them. */
export function findProfile(database: DatabaseSync, userId: string): Profile | undefined {
  const row = database
    .prepare('SELECT name, avatar FROM profile WHERE user_id = ?')
    .get(userId)
  return row as unknown as Profile | undefined
}

/** Changes how a user is shown. */
export function setProfile(
  database: DatabaseSync,
  userId: string,
  { name, avatar }: Profile,
  changedAt: number,
): void {
  database
    .prepare('INSERT OR REPLACE INTO profile VALUES (?, ?, ?, ?)')
    .run(userId, name, avatar, changedAt)
}

/** Remembers which room is a user's direct room with the bot. */
export function addAdminRoom(
  database: DatabaseSync,
  roomId: string,
  userId: string,
  since: number,
): void {
  database
    .prepare('INSERT OR REPLACE INTO admin_room VALUES (?, ?, ?)')
    .run(roomId, userId, since)
}

/** Whether a room is a user's direct room with the bot. */
export function isAdminRoom(database: DatabaseSync, roomId: string): boolean {
  return (
    database.prepare('SELECT 1 FROM admin_room WHERE room_id = ?').get(roomId) !==
    undefined
  )
}

/** Counts a message a user sent. */
export function countMessage(
  database: DatabaseSync,
  userId: string,
  sentAt: number,
): void {
  const day = new Date(sentAt).toISOString().slice(0, 10)
  database
    .prepare(
      `INSERT INTO activity VALUES (?, ?, 1, ?)
       ON CONFLICT DO UPDATE SET messages = messages + 1`,
    )
    .run(userId, day, sentAt)
}
