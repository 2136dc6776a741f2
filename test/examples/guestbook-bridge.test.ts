import { readFileSync, writeFileSync } from 'node:fs'
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
import { parseUserId } from '../../lib/matrix/user-id.ts'
import { findResidue } from '../../lib/testing/handlers/find-residue.ts'
import { silentLogger } from '../../lib/host/logger.ts'
import { openStores, PICTURE } from './guestbook-stores.ts'

const BEFORE = Date.UTC(2026, 0, 10, 12)
const RECEIVED = new Date(Date.UTC(2026, 0, 11, 12))
const AFTER = Date.UTC(2026, 0, 12, 12)

/** Six people whom a careless comparison takes for one another. */
const lookAlikes = ['@a_b:hs', '@axb:hs', '@a_b:hs.org', '@a+b:hs', '@A_B:hs', '@a_b2:hs']

interface Opened extends Awaited<ReturnType<typeof openStores>> {
  readonly leftRooms: string[]
  readonly handlers: Map<string, PurgeHandler>
  /** Has somebody use the bridge in every way it keeps. */
  use(userId: string, at: number, messages?: number): Promise<void>
  /** Runs all handlers as the SDK would, slice by slice, and returns what they removed. */
  purge(userId: string): Promise<Record<string, number>>
  verify(userId: string): Promise<Record<string, number>>
}

async function open(t: Test, dataDir = t.testdir(), pauseMs = 0): Promise<Opened> {
  const stores = await openStores(t, dataDir)
  const { database, accounts, avatars } = stores
  const leftRooms: string[] = []
  const handlers = new Map<string, PurgeHandler>()
  const leaveRoom = async (roomId: string) => {
    leftRooms.push(roomId)
    throw new Error('the homeserver is down')
  }
  const onUserErase = (name: string, handler: unknown) =>
    void handlers.set(name, handler as PurgeHandler)
  const places = { ...stores, leaveRoom, pauseMs }
  registerPurgeHandlers({ onUserErase }, places)
  const contextOf = (userId: string) => ({
    userId: parseUserId(userId),
    requestId: 'a-request',
    receivedAt: RECEIVED,
    signal: AbortSignal.timeout(10_000),
    log: silentLogger,
    attempt: 1,
  })
  return {
    ...stores,
    leftRooms,
    handlers,
    async use(userId, at, messages = 12) {
      const author = await accounts.accountOf(userId, at)
      // One transaction, or the test waits for the disk most of the time.
      database.exec('BEGIN')
      const { avatar } = findProfile(database, userId) ?? {}
      if (avatar) avatars.remove(avatar)
      setProfile(database, userId, { name: 'Robin', avatar: avatars.keep(PICTURE) }, at)
      addAdminRoom(database, `!direct-${userId}-${at}`, userId, at)
      for (let number = 0; number < messages; number += 1) {
        const eventId = `$${userId}-${at}-${number}`
        const entry = { author, sender: userId, eventId, roomId: '!r:hs', body: 'Hello' }
        addEntry(database, { ...entry, sentAt: at })
        countMessage(database, userId, at)
      }
      database.exec('COMMIT')
    },
    async purge(userId) {
      const removed: Record<string, number> = {}
      for (const [name, handler] of handlers) {
        let context: Parameters<PurgeHandler['purge']>[0] = contextOf(userId)
        for (;;) {
          const result = (await handler.purge(context)) ?? {}
          removed[name] = (removed[name] ?? 0) + (result.removed ?? 0)
          if (result.more === undefined) break
          context = { ...context, cursor: result.more }
        }
      }
      return removed
    },
    async verify(userId) {
      const left: Record<string, number> = {}
      for (const [name, handler] of handlers)
        left[name] = (await handler.verify?.(contextOf(userId))) ?? -1
      return left
    },
  }
}

const NOTHING = { messages: 0, profile: 0, traces: 0, 'user-link': 0 }

t.test(
  'what there is of a user is gone, and look-alikes keep theirs to the byte',
  async t => {
    for (const victim of lookAlikes) {
      const opened = await open(t, t.testdir())
      for (const userId of lookAlikes) await opened.use(userId, BEFORE)
      const others = lookAlikes.flatMap(userId =>
        userId === victim ? [] : [{ userId }, { userId: userId.replace('+', '=2b') }],
      )
      const before = dumpOf(others, opened.dataDir)
      t.match(
        await opened.verify(victim),
        { messages: 12, profile: 1, traces: 2 },
        victim,
      )
      t.ok(((await opened.verify(victim))['user-link'] ?? 0) >= 4, 'documents and lines')
      t.same(
        await opened.purge(victim),
        { messages: 12, profile: 1, traces: 2, 'user-link': 3 },
        victim,
      )
      t.same(await opened.verify(victim), NOTHING)
      t.equal(dumpOf(others, opened.dataDir), before, victim)
      t.same(opened.leftRooms, [`!direct-${victim}-${BEFORE}`])
    }
  },
)

t.test('purging again removes nothing more, also for a user nobody knows', async t => {
  const opened = await open(t)
  for (const userId of lookAlikes) await opened.use(userId, BEFORE)
  await opened.purge('@a_b:hs')
  const everybody = lookAlikes.map(userId => ({ userId }))
  const before = dumpOf(everybody, opened.dataDir)
  t.same(await opened.purge('@a_b:hs'), NOTHING)
  t.same(await opened.purge('@nobody:hs'), NOTHING)
  t.equal(dumpOf(everybody, opened.dataDir), before)
})

t.test('no byte of an erased user stays in any file', async t => {
  const opened = await open(t)
  await opened.use('@wilhelmina:hs', BEFORE)
  await opened.use('@archibald:hs', BEFORE)
  t.ok(findResidue('@wilhelmina:hs', [opened.dataDir]).length > 12, 'the user is seen')
  await opened.purge('@wilhelmina:hs')
  t.same(findResidue('@wilhelmina:hs', [opened.dataDir]), [])
  t.equal(opened.avatars.list().length, 1)
})

t.test('messages go in bounded slices, with a rest in between', async t => {
  const opened = await open(t, t.testdir(), 70)
  await opened.use('@bob:hs', BEFORE, 12)
  const handler = opened.handlers.get('messages')
  const slices: unknown[] = []
  for (let cursor: unknown, more = true; more;) {
    const context = { userId: '@bob:hs', receivedAt: RECEIVED, cursor } as never
    const result = (await handler?.purge(context)) ?? {}
    slices.push({ removed: result.removed, waitMs: result.waitMs })
    more = result.more !== undefined
    cursor = result.more
  }
  t.same(slices, [
    { removed: 5, waitMs: 70 },
    { removed: 5, waitMs: 70 },
    { removed: 2, waitMs: undefined },
  ])
})

t.test('what came after the request belongs to an account that came back', async t => {
  const opened = await open(t)
  await opened.use('@old:hs', BEFORE)
  await opened.use('@old:hs', AFTER, 3)
  await opened.use('@new:hs', AFTER)
  t.match(await opened.verify('@old:hs'), { messages: 12, profile: 0, traces: 2 })
  await opened.purge('@old:hs')
  t.same(await opened.verify('@old:hs'), NOTHING)
  const count = (table: string, column: string) =>
    opened.database
      .prepare(`SELECT count(*) AS rows FROM ${table} WHERE ${column} = ?`)
      .get('@old:hs')?.['rows']
  t.equal(count('entry', 'sender'), 3)
  t.equal(count('profile', 'user_id'), 1)
  t.equal(count('admin_room', 'user_id'), 1)
  t.equal(count('activity', 'user_id'), 1)
  const before = dumpOf([{ userId: '@new:hs' }], opened.dataDir)
  t.same(await opened.purge('@new:hs'), NOTHING)
  t.equal(dumpOf([{ userId: '@new:hs' }], opened.dataDir), before)
})

/** A store in which two users share an account, and one has another of their own. */
function sharedStore(t: Test): string {
  const dataDir = t.testdir()
  const documents = [
    { type: 'remote', id: 'shared', data: {} },
    { type: 'remote', id: 'own', data: {} },
    ...['@bob:hs', '@carol:hs'].map(id => ({ type: 'matrix', id, data: {} })),
    { type: 'union', matrix_id: '@bob:hs', remote_id: 'shared' },
    { type: 'union', matrix_id: '@bob:hs', remote_id: 'own' },
    { type: 'union', matrix_id: '@carol:hs', remote_id: 'shared' },
  ]
  const lines = documents.map((document, index) =>
    JSON.stringify({ ...document, _id: `document${index}` }),
  )
  writeFileSync(join(dataDir, 'user-store.db'), `${lines.join('\n')}\n`)
  return dataDir
}

t.test('an account that somebody shares stays, and so do its entries', async t => {
  const opened = await open(t, sharedStore(t))
  const { database, accounts } = opened
  const add = (author: string, sender: string | null, body: string) =>
    void database
      .prepare('INSERT INTO entry (author, sender, body, sent_at) VALUES (?, ?, ?, ?)')
      .run(author, sender, body, BEFORE)
  add('shared', '@bob:hs', 'of Bob')
  add('shared', '@carol:hs', 'of Carol')
  add('shared', null, 'of one of them')
  add('own', null, 'of Bob, though its sender is unknown')
  add('somebody else’s', null, 'of a stranger')
  t.match(await opened.verify('@bob:hs'), { messages: 2 })
  t.match(await opened.purge('@bob:hs'), { messages: 2, 'user-link': 4 })
  t.same(await opened.verify('@bob:hs'), NOTHING)
  const bodies = database.prepare('SELECT body FROM entry ORDER BY id').all()
  t.same(
    bodies.map(row => row['body']),
    ['of Carol', 'of one of them', 'of a stranger'],
  )
  t.same(await accounts.linkedTo('@carol:hs'), ['shared'])
  const text = readFileSync(join(opened.dataDir, 'user-store.db'), 'utf8')
  t.match(text, '"id":"shared"')
  t.notMatch(text, /own|bob/)
})

t.test('an entry that came when the link was gone is found by its sender', async t => {
  const opened = await open(t)
  await opened.use('@bob:hs', BEFORE)
  await opened.purge('@bob:hs')
  addEntry(opened.database, {
    author: 'an account nobody is linked to',
    sender: '@bob:hs',
    body: 'I was under way',
    sentAt: BEFORE,
  })
  t.match(await opened.verify('@bob:hs'), { messages: 1 })
  t.match(await opened.purge('@bob:hs'), { messages: 1 })
  t.same(await opened.verify('@bob:hs'), NOTHING)
})

t.test('a picture that a crash left without its row is found and removed', async t => {
  const opened = await open(t)
  await opened.use('@carol:hs', BEFORE)
  opened.avatars.keep(PICTURE)
  t.match(await opened.verify('@bob:hs'), { profile: 1 })
  t.match(await opened.purge('@bob:hs'), { profile: 1 })
  t.equal(opened.avatars.list().length, 1)
})

t.test('what an interrupted compaction left beside the user store is seen', async t => {
  const opened = await open(t)
  await opened.use('@bob:hs', BEFORE)
  const path = join(opened.dataDir, 'user-store.db')
  writeFileSync(`${path}~`, readFileSync(path))
  const handler = opened.handlers.get('user-link')
  t.equal((await opened.verify('@bob:hs'))['user-link'], 2 + 2 * 2)
  await handler?.purge({ userId: '@bob:hs', receivedAt: RECEIVED } as never)
  t.same(findResidue('@bob:hs', [path]), [])
  t.equal((await opened.verify('@bob:hs'))['user-link'], 0)
})
