import t, { type Test } from 'tap'

import {
  addAdminRoom,
  addEntry,
  countMessage,
  setProfile,
} from '../../examples/guestbook-bridge/guestbook.ts'
import { registerPurgeHandlers } from '../../examples/guestbook-bridge/purge-handlers.ts'
import type { PurgeHandler } from '../../lib/purge/handler.ts'
import { silentLogger } from '../../lib/host/logger.ts'
import { parseUserId } from '../../lib/matrix/user-id.ts'
import { openStores, PICTURE } from './guestbook-stores.ts'

const userId = parseUserId('@robin:example.org')
const at = Date.UTC(2026, 0, 1)
const context = {
  userId,
  requestId: 'request-1',
  receivedAt: new Date(at),
  signal: new AbortController().signal,
  log: silentLogger,
}

async function setUp(t: Test) {
  const places = { ...(await openStores(t)), leaveRoom: async () => {}, pauseMs: 0 }
  const handlers = new Map<string, PurgeHandler>()
  const onUserErase = (name: string, handler: unknown) =>
    void handlers.set(name, handler as PurgeHandler)
  registerPurgeHandlers({ onUserErase }, places)
  return { ...places, handlers }
}

type Stores = Awaited<ReturnType<typeof setUp>>

/** One trace of the user, and nothing else of them. */
const TRACES: Readonly<Record<string, readonly [string, (stores: Stores) => unknown]>> = {
  'an entry whose account is linked to nobody': [
    'messages',
    ({ database }) =>
      addEntry(database, { author: 'guest', sender: userId, body: 'Hello', sentAt: at }),
  ],
  'an entry of unknown sender, by their account': [
    'messages',
    async ({ database, accounts }) => {
      const author = await accounts.accountOf(userId, at)
      addEntry(database, { author, sender: userId, body: 'Hello', sentAt: at })
      database.exec('UPDATE entry SET sender = NULL')
    },
  ],
  'a profile without a picture': [
    'profile',
    ({ database }) => setProfile(database, userId, { name: 'Robin', avatar: null }, at),
  ],
  'a picture without a profile': ['profile', ({ avatars }) => avatars.keep(PICTURE)],
  'a direct room': [
    'traces',
    ({ database }) => addAdminRoom(database, '!room', userId, at),
  ],
  'a day on which they wrote': [
    'traces',
    ({ database }) => countMessage(database, userId, at),
  ],
  'the link to their account': [
    'user-link',
    ({ accounts }) => accounts.accountOf(userId, at),
  ],
}

// A `verify` that asks what `purge` asked is blind where `purge` is.
t.test('verify sees each trace by itself, and nothing where there is none', async t => {
  for (const [what, [name, leave]] of Object.entries(TRACES)) {
    await t.test(what, async t => {
      const stores = await setUp(t)
      const verify = () => stores.handlers.get(name)?.verify?.(context)
      t.equal(await verify(), 0, 'nothing before')
      await leave(stores)
      t.ok(Number(await verify()) > 0, what)
      await stores.handlers.get(name)?.purge({ ...context, attempt: 1 })
      t.equal(await verify(), 0, 'nothing after')
    })
  }
})
