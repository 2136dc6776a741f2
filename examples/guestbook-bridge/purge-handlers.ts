import type { Erasure, PurgeHandler } from 'matrix-appservice-erasure'

import { messagesHandler } from './purge-messages.ts'
import type { Places } from './purge-places.ts'

/** Registers the purge handlers, one for each place where the bridge stores users. */
export function registerPurgeHandlers(
  erasure: Pick<Erasure, 'onUserErase'>,
  places: Places,
): void {
  erasure.onUserErase('messages', messagesHandler(places))
  erasure.onUserErase('profile', profileHandler(places))
  erasure.onUserErase('traces', tracesHandler(places))
  erasure.onUserErase('user-link', userLinkHandler(places))
}

/** How the user was shown: name and picture. */
function profileHandler({ database, avatars }: Places): PurgeHandler {
  const find = database.prepare(
    'SELECT avatar FROM profile WHERE user_id = ? AND changed_at <= ?',
  )
  const remove = database.prepare(
    'DELETE FROM profile WHERE user_id = ? AND changed_at <= ?',
  )
  const all = database.prepare('SELECT user_id, avatar, changed_at FROM profile')
  /** Left over when a crash came between a picture and its row: their user is unknown. */
  const orphans = () => {
    const named = new Set(all.all().map(row => row['avatar']))
    return avatars.list().filter(name => !named.has(name))
  }
  return {
    async purge({ userId, receivedAt }) {
      const until = receivedAt.getTime()
      const avatar = find.get(userId, until)?.['avatar']
      // Delete the file first: without its row, it would never be found.
      if (typeof avatar === 'string') avatars.remove(avatar)
      const { changes } = remove.run(userId, until)
      const lost = orphans()
      lost.forEach(avatars.remove)
      return { removed: Number(changes) + lost.length }
    },
    async verify({ userId, receivedAt }) {
      const theirs = all
        .all()
        .filter(row => row['user_id'] === userId)
        .filter(row => Number(row['changed_at']) <= receivedAt.getTime())
      return theirs.length + orphans().length
    },
  }
}

/** The user's direct room with the bot, and the days on which they wrote. */
function tracesHandler({ database, leaveRoom }: Places): PurgeHandler {
  const rooms = database.prepare(
    'SELECT room_id FROM admin_room WHERE user_id = ? AND since <= ?',
  )
  const removals = ['admin_room', 'activity'].map(table =>
    database.prepare(`DELETE FROM ${table} WHERE user_id = ? AND since <= ?`),
  )
  const all = database.prepare(
    `SELECT user_id FROM (
       SELECT user_id, since FROM admin_room
       UNION ALL SELECT user_id, since FROM activity
     ) WHERE since <= ?`,
  )
  return {
    async purge({ userId, receivedAt }) {
      const until = receivedAt.getTime()
      for (const row of rooms.all(userId, until)) {
        // The room belongs to the homeserver; if the bot cannot leave it, the row must still go.
        await leaveRoom(String(row['room_id'])).catch(() => {})
      }
      const changes = removals.map(removal => Number(removal.run(userId, until).changes))
      return { removed: changes.reduce((sum, change) => sum + change, 0) }
    },
    async verify({ userId, receivedAt }) {
      const rows = all.all(receivedAt.getTime())
      return rows.filter(row => row['user_id'] === userId).length
    },
  }
}

/** The user's accounts. Last: the other handlers need them to find the user's data, even late data. */
function userLinkHandler({ accounts }: Places): PurgeHandler {
  return {
    after: ['messages', 'profile', 'traces'],
    purge: async ({ userId, receivedAt }) => ({
      removed: await accounts.unlink(userId, receivedAt),
    }),
    verify: ({ userId, receivedAt }) => accounts.countPlaces(userId, receivedAt),
  }
}
