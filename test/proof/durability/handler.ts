import { appendFileSync, existsSync, readFileSync } from 'node:fs'

import type { PurgeHandler } from '../../../lib/purge/handler.ts'

/** Everybody a bridge has ever been told to purge: a line each in its log. */
export function purgedUsers(log: string): Set<string> {
  if (!existsSync(log)) return new Set()
  // A line that a kill cut off is no line.
  return new Set(readFileSync(log, 'utf8').split('\n').slice(0, -1))
}

/**
 * A purge handler of two slices whose work is a line in a file.
 *
 * @param hold - never end the second slice, so that requests stay open
 */
export function purgeInto(log: string, hold = false): PurgeHandler {
  let known = new Set<string>()
  return {
    async purge({ userId, cursor, signal }) {
      if (cursor === undefined) {
        appendFileSync(log, `${userId}\n`)
        return { more: 'the rest', removed: 1 }
      }
      if (hold) await new Promise(resolve => signal.addEventListener('abort', resolve))
      return
    },
    async verify({ userId }) {
      if (!known.has(userId)) known = purgedUsers(log)
      return known.has(userId) ? 0 : 1
    },
  }
}
