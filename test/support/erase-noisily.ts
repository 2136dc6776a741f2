// Erases the user argv[3] with handlers that say the user's name wherever they can, and logs all of it to
// the console. argv[2] is the data folder.
import { join } from 'node:path'

import { createErasure } from '../../lib/core/create-erasure.ts'
import type { Logger } from '../../lib/host/logger.ts'
import { userIdForms } from '../../lib/matrix/user-id-forms.ts'
import { localpartOf, type UserId } from '../../lib/matrix/user-id.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { REGISTRATION } from './open-erasure.ts'

const [, , directory = '', user = ''] = process.argv
const forms = (userId: UserId) => [
  ...userIdForms(userId).map(({ text }) => text),
  userId.toUpperCase(),
  localpartOf(userId),
]

const erasure = await createErasure({
  registration: REGISTRATION,
  key: join(directory, 'erasure.key'),
  store: sqliteStore({ path: join(directory, 'erasure.db') }),
  logger: console,
  settleMs: 0,
  // Refusals and failures have their own lines.
  allow: async userId => {
    if (userId.startsWith('@refused')) throw new Error(`no ${user}`)
    return true
  },
})

/** Says the user's name in every form, at every level, in messages, fields and their names. */
function gossip(log: Logger, userId: UserId): void {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    for (const form of forms(userId)) {
      log[level](`purging ${form} now`, {
        user: form,
        [form]: true,
        nested: [form] as never,
      })
    }
  }
}

const errors: ReadonlyArray<(userId: UserId) => unknown> = [
  userId => userId,
  userId => new Error(`no ${userId}`),
  userId => new Error('outer', { cause: new Error(userId) }),
  userId =>
    Object.assign(new Error('x'), {
      code: localpartOf(userId).toUpperCase(),
      name: userId,
    }),
  userId => new AggregateError([new Error(userId)], userId),
  userId => ({ message: userId, toString: () => userId }),
  userId =>
    new Error(
      `\n    at ${userId} (${userId}:1:1)\n    at ${localpartOf(userId)} (x.ts:1:1)`,
    ),
]
for (const [index, makeError] of errors.entries()) {
  erasure.onUserErase(`throws-${index}`, {
    async purge({ userId, log }) {
      gossip(log, userId)
      throw makeError(userId)
    },
    retry: { attempts: 2, baseMs: 1 },
  })
}
erasure.onUserErase('names-them-in-results', {
  purge: async ({ userId }) => ({ removed: userId as never, [userId]: 1 }),
  retry: { attempts: 1 },
})
erasure.onUserErase<string>('keeps-them-in-its-cursor', async ({ userId, cursor }) =>
  cursor === undefined ? { more: `next after ${userId}` } : {},
)
await erasure.start()
await erasure.accept(user)
for (const value of [`@refused${user.slice(1)}`, `${user} `, `${user}:port`]) {
  await erasure.accept(value).catch(error => console.error(error))
}
while ((await erasure.status()).counts.blocked === 0) await new Promise(setImmediate)
await new Promise(resolve => setTimeout(resolve, 100))
console.log(JSON.stringify(await erasure.status()))
await erasure.close()
