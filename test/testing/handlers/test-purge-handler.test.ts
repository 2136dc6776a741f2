import { writeFileSync } from 'node:fs'

import t from 'tap'

import { parseUserId, type UserId } from '../../../lib/matrix/user-id.ts'
import type {
  PurgeContext,
  PurgeHandler,
  VerifyContext,
} from '../../../lib/purge/handler.ts'
import { lookAlikes } from '../../../lib/testing/handlers/look-alikes.ts'
import {
  type PurgeHandlerTest,
  testPurgeHandler,
} from '../../../lib/testing/handlers/test-purge-handler.ts'
import { messageTable } from '../../support/message-table.ts'
import { startCommand } from '../../support/program.ts'

t.test('a handler that gets nothing wrong is reported with what it did', async t => {
  const { good, test } = messageTable(t)
  t.same(await testPurgeHandler(good, test), { slices: 3, removed: 8, notes: [] })
})

t.test('the short form passes, with what that means', async t => {
  const { good, test } = messageTable(t)
  const { files: _files, ...more } = test
  const { notes } = await testPurgeHandler(async (context: PurgeContext<number>) => {
    context.log.info(`purging ${context.userId}`)
    return good.purge(context)
  }, more)
  t.match(notes, [/no verify/, /No files/, /logs the user/])
})

t.test('what is left in the file is found, though no query finds it', async t => {
  const { good, test } = messageTable(t, 'PRAGMA secure_delete = OFF')
  await t.rejects(testPurgeHandler(good, test), {
    message: /still in .*bridge\.db, as raw/,
  })
})

t.test('files that do not hold the planted user are the wrong files', async t => {
  const { good, test } = messageTable(t)
  const path = `${test.files?.[0]}-other`
  writeFileSync(path, '')
  await t.rejects(testPurgeHandler(good, { ...test, files: [path] }), {
    message: /in none of the files/,
  })
})

t.test(
  'something left that neither purge nor verify looks at is seen by read',
  async t => {
    const { good, test, db } = messageTable(t)
    db.exec('CREATE TABLE profile (user TEXT)')
    const withProfile: PurgeHandlerTest = {
      plant(userId) {
        test.plant(userId)
        db.prepare('INSERT INTO profile VALUES (?)').run(userId)
      },
      read: userId => [
        test.read(userId),
        db.prepare('SELECT * FROM profile WHERE user = ?').all(userId),
      ],
    }
    await t.rejects(testPurgeHandler(good, withProfile), {
      message: /still holds something/,
    })
  },
)

t.test('what is retained counts as left, and no more than that', async t => {
  const { good, test, db } = messageTable(t)
  const until = new Date(Date.now() + 1000)
  const keep = (count: number): PurgeHandler<number> => ({
    ...good,
    async purge({ userId }) {
      db.prepare('DELETE FROM message WHERE sender = ? AND body <> ?').run(
        userId,
        'message 1',
      )
      return { retained: [{ what: 'invoices', why: 'legal-obligation', count, until }] }
    },
  })
  const once: PurgeHandlerTest = { plant: test.plant, read: test.read, bystanders: [] }
  t.ok(await testPurgeHandler(keep(3), once))
  await t.rejects(
    testPurgeHandler(keep(0), { ...once, userId: '@another:example.org' }),
    {
      message: /verify still finds 1 items/,
    },
  )
})

t.test('a test of one’s own choosing of users is checked for being users', async t => {
  const { good, test } = messageTable(t)
  await t.rejects(testPurgeHandler(good, { ...test, userId: 'bob' }), {
    code: 'USER_ID_INVALID',
  })
  await t.rejects(testPurgeHandler(good, { ...test, bystanders: ['bob'] }), {
    code: 'USER_ID_INVALID',
  })
})

t.test('look-alikes are other people, of every kind', async t => {
  for (const value of [
    '@a_b:hs',
    '@a_b:hs:8448',
    '@a+b:[::1]:80',
    '@:example.org',
    '@Ä:EXAMPLE.org',
  ]) {
    const userId = parseUserId(value)
    const others = lookAlikes(userId)
    t.ok(others.length >= 8, value)
    t.notOk(others.includes(userId), value)
    t.equal(new Set(others).size, others.length)
  }
  const others: readonly UserId[] = lookAlikes(parseUserId('@a_b:hs'))
  for (const other of ['@axb:hs', '@A_B:hs', '@a_b:hs.org', '@a_b:hs:8448', '@a%b:hs']) {
    t.ok(
      others.some(one => one === other),
      other,
    )
  }
})

t.test('it imports no test runner, and works in one that is not ours', async t => {
  const entry = import.meta.resolve('../../../lib/testing/index.ts')
  const script = `
    import { test } from 'node:test'
    import { testPurgeHandler } from ${JSON.stringify(entry)}
    const store = new Map()
    test('handler', () => testPurgeHandler(
      { purge: async ({ userId }) => void store.delete(userId), verify: async ({ userId }) => Number(store.has(userId)) },
      { plant: userId => store.set(userId, 1), read: userId => store.get(userId) },
    ))
  `
  const args = ['--input-type=module', '-e', script]
  const { code, stdout } = await startCommand([process.execPath, ...args]).ended
  t.equal(code, 0, stdout)
  t.match(stdout, /pass 1/)
})

t.test('a context of a test has what a real one has', async t => {
  const seen: VerifyContext[] = []
  await testPurgeHandler(
    {
      purge: async context => void seen.push(context),
      verify: async () => seen.length * 0,
    },
    { plant: () => {}, read: () => 1, bystanders: [] },
  ).catch(() => {})
  t.match(seen[0], {
    userId: /^@erasure_test_/,
    requestId: String,
    receivedAt: Date,
    signal: AbortSignal,
  })
})
