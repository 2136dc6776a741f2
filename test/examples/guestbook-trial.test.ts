import { join } from 'node:path'

import t, { type Test } from 'tap'

import { dumpOf } from '../../examples/guestbook-bridge/demo/look.ts'
import {
  addAdminRoom,
  addEntry,
  countMessage,
  findProfile,
  setProfile,
} from '../../examples/guestbook-bridge/guestbook.ts'
import { registerPurgeHandlers } from '../../examples/guestbook-bridge/purge-handlers.ts'
import type { PurgeHandler } from '../../lib/purge/handler.ts'
import {
  type PurgeHandlerTest,
  testPurgeHandler,
} from '../../lib/testing/handlers/test-purge-handler.ts'
import { openStores, PICTURE } from './guestbook-stores.ts'

interface Case extends PurgeHandlerTest {
  readonly handler: PurgeHandler | undefined
}

async function openCases(t: Test): Promise<Record<string, Case>> {
  const { dataDir, database, accounts, avatars } = await openStores(t)
  const handlers = new Map<string, PurgeHandler>()
  registerPurgeHandlers(
    {
      onUserErase: (name: string, handler: unknown) =>
        void handlers.set(name, handler as PurgeHandler),
    },
    { database, accounts, avatars, leaveRoom: async () => {}, pauseMs: 0 },
  )
  const read = (userId: string) => dumpOf([{ userId }], dataDir)
  const guestbook = join(dataDir, 'guestbook.db')
  const at = Date.UTC(2026, 0, 1)
  return {
    messages: {
      handler: handlers.get('messages'),
      files: [guestbook],
      async plant(userId) {
        const author = await accounts.accountOf(userId, at)
        database.exec('BEGIN')
        for (let number = 0; number < 12; number += 1)
          addEntry(database, { author, sender: userId, body: 'Hello', sentAt: at })
        database.exec('COMMIT')
      },
      read: userId =>
        database
          .prepare('SELECT * FROM entry WHERE sender = ?')
          .all(userId)
          .map(Object.entries),
    },
    profile: {
      handler: handlers.get('profile'),
      files: [guestbook],
      plant(userId) {
        const { avatar } = findProfile(database, userId) ?? {}
        if (avatar) avatars.remove(avatar)
        setProfile(database, userId, { name: 'Robin', avatar: avatars.keep(PICTURE) }, at)
      },
      read,
    },
    traces: {
      handler: handlers.get('traces'),
      files: [guestbook],
      plant(userId) {
        addAdminRoom(database, `!direct-${userId}`, userId, at)
        countMessage(database, userId, at)
      },
      read,
    },
    'user-link': {
      handler: handlers.get('user-link'),
      files: [join(dataDir, 'user-store.db')],
      plant: userId => accounts.accountOf(userId, at),
      read,
    },
  }
}

t.test('the SDK’s own trial finds nothing wrong with the four handlers', async t => {
  for (const name of ['messages', 'profile', 'traces', 'user-link']) {
    const { handler, ...test } = (await openCases(t))[name] ?? {}
    const { notes, slices } = await testPurgeHandler(
      handler as PurgeHandler,
      test as Case,
    )
    t.same(notes, [], name)
    t.equal(slices, name === 'messages' ? 3 : 1)
  }
})
