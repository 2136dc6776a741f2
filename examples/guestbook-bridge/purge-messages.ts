import type { PurgeHandler } from 'matrix-appservice-erasure'

import type { Places } from './purge-places.ts'

/** Entries removed by one slice. Small, so that the demo has something to interrupt. */
const SLICE_ENTRIES = 5

/**
 * The user's entries, found by their guestbook accounts. The cursor is the list of accounts that are
 * not done yet: after a crash the purge continues there, even if the links are gone by then.
 */
export function messagesHandler({
  database,
  accounts,
  pauseMs,
}: Places): PurgeHandler<readonly string[]> {
  const accountsBySender = database.prepare(
    'SELECT DISTINCT author FROM entry WHERE sender = ? AND sent_at <= ?',
  )
  const remove = database.prepare(
    `DELETE FROM entry WHERE id IN (
       SELECT id FROM entry
       WHERE author = ? AND (sender = ? OR (sender IS NULL AND ?)) AND sent_at <= ?
       ORDER BY id LIMIT ?)`,
  )
  const countSent = database.prepare(
    'SELECT count(*) AS entries FROM entry WHERE sender = ? AND sent_at <= ?',
  )
  const countOfAccounts = database.prepare(
    `SELECT author, count(*) AS entries FROM entry
     WHERE sender IS NULL AND sent_at <= ? GROUP BY author`,
  )
  return {
    async purge({ userId, receivedAt, cursor }) {
      const until = receivedAt.getTime()
      // A late entry may have been written after the user's links were removed.
      const orphaned = accountsBySender
        .all(userId, until)
        .map(row => String(row['author']))
      const linked = cursor ?? (await accounts.linkedTo(userId))
      const [account, ...rest] = new Set([...linked, ...orphaned])
      if (account === undefined) return {}
      // Entries of unknown sender are the user's only if no other user shares the account.
      const isOnlyTheirs = Number(await accounts.isOnlyTheirs(account, userId))
      const { changes } = remove.run(account, userId, isOnlyTheirs, until, SLICE_ENTRIES)
      const removed = Number(changes)
      const more = removed < SLICE_ENTRIES ? rest : [account, ...rest]
      return more.length > 0 ? { removed, more, waitMs: pauseMs } : { removed }
    },
    async verify({ userId, receivedAt }) {
      const until = receivedAt.getTime()
      let count = Number(countSent.get(userId, until)?.['entries'])
      for (const { author, entries } of countOfAccounts.all(until)) {
        if (await accounts.isOnlyTheirs(String(author), userId)) count += Number(entries)
      }
      return count
    },
  }
}
