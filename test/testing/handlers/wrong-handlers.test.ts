import t from 'tap'

import type { PurgeHandler } from '../../../lib/purge/handler.ts'
import {
  type PurgeHandlerTest,
  testPurgeHandler,
} from '../../../lib/testing/handlers/test-purge-handler.ts'
import { type MessageTable, messageTable } from '../../support/message-table.ts'

type Wrong = (parts: MessageTable) => Partial<PurgeHandler<number>>

/** What a handler can get wrong, and the sentence that says so. */
const WRONGS: ReadonlyArray<readonly [what: string, sentence: RegExp, Wrong]> = [
  [
    'it deletes half and says done',
    /verify still finds/,
    ({ db }) => ({
      purge: async ({ userId }) =>
        void db
          .prepare('DELETE FROM message WHERE sender = ? AND id % 2 = 0')
          .run(userId),
    }),
  ],
  ['it deletes nothing', /verify still finds 8 items/, () => ({ purge: async () => {} })],
  [
    'it deletes by LIKE',
    /touched other people/,
    ({ db }) => ({
      purge: async ({ userId }) =>
        void db.prepare('DELETE FROM message WHERE sender LIKE ?').run(userId),
    }),
  ],
  [
    'it deletes by prefix',
    /touched other people/,
    ({ db }) => ({
      purge: async ({ userId }) =>
        void db
          .prepare('DELETE FROM message WHERE substr(sender, 1, ?) = ?')
          .run(userId.length, userId),
    }),
  ],
  [
    'it verifies by LIKE',
    /counts other people/,
    ({ db }) => ({
      verify: async ({ userId }) =>
        Number(
          db
            .prepare('SELECT count(*) AS n FROM message WHERE sender LIKE ?')
            .get(userId)?.['n'],
        ),
    }),
  ],
  ['verify cannot see', /it cannot see/, () => ({ verify: async () => 0 })],
  [
    'verify answers nonsense',
    /verify ended with VERIFY_INVALID/,
    () => ({
      verify: async () => Number.NaN,
    }),
  ],
  [
    'it throws when nothing is left',
    /PURGE_FAILED: it threw/,
    ({ good }) => ({
      async purge(context) {
        if ((await good.verify?.(context)) === 0) throw new Error('no such user')
        return good.purge(context)
      },
    }),
  ],
  [
    'it returns nonsense',
    /not a purge result/,
    () => ({ purge: async () => ({ done: true }) as never }),
  ],
  [
    'it makes no progress',
    /made no progress/,
    () => ({ purge: async () => ({ more: 7 }) }),
  ],
  [
    'it never ends',
    /not come to an end after 1000 /,
    () => ({
      purge: async ({ cursor = 0 }) => ({ more: cursor + 1 }),
    }),
  ],
  [
    'it counts what it did not remove',
    /not idempotent/,
    ({ good }) => ({
      purge: async context => ({ ...(await good.purge(context)), removed: 1 }),
    }),
  ],
]

t.test('each thing a handler can get wrong is said in a plain sentence', async t => {
  for (const [what, sentence, wrong] of WRONGS) {
    const parts = messageTable(t)
    const handler = { ...parts.good, ...wrong(parts) }
    try {
      await testPurgeHandler(handler, parts.test)
      t.fail(`not noticed: ${what}`)
    } catch (error) {
      t.match(
        error,
        { name: 'PurgeHandlerError', message: sentence, problems: Array },
        what,
      )
    }
  }
})

t.test(
  'a handler that forgets the way to the rest is seen when it is killed there',
  async t => {
    const links = new Map<string, string>()
    const owners = new Map<string, string>()
    const handler: PurgeHandler<string> = {
      // The link goes first: called again without its cursor, nobody finds the entries.
      async purge({ userId, cursor }) {
        const author = cursor ?? links.get(userId)
        if (author === undefined) return {}
        links.delete(userId)
        if (cursor === undefined) return { more: author }
        owners.delete(author)
        return { removed: 1 }
      },
      verify: async ({ userId }) =>
        [...owners.values()].filter(owner => owner === userId).length,
    }
    const test: PurgeHandlerTest = {
      plant(userId) {
        links.set(userId, `author of ${userId}`)
        owners.set(`author of ${userId}`, userId)
      },
      read: userId => [
        links.get(userId),
        [...owners].filter(([, owner]) => owner === userId),
      ],
    }
    await t.rejects(testPurgeHandler(handler, test), {
      message: /- Killed after slice 1 and resumed, verify still finds 1 items\.$/,
    })
  },
)
