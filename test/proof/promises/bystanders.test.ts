import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import fc from 'fast-check'
import t from 'tap'

import { createErasure } from '../../../lib/core/create-erasure.ts'
import { isUserId, parseUserId, type UserId } from '../../../lib/matrix/user-id.ts'
import { lookAlikes } from '../../../lib/testing/handlers/look-alikes.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { volatile } from '../../support/open-erasure.ts'
import { SIZES } from '../../support/sizes.ts'

const CLASSICS = [
  '@a_b:hs',
  '@a_b:hs.org',
  '@a_b:hs:8448',
  '@a+b:hs',
  '@a%b:hs',
  '@a.b:hs',
  '@a*b:hs',
  `@a'b"c:hs`,
  '@a_b:[::1]',
  '@a_b:[2001:db8::1]:8448',
  '@:hs',
  '@ A b :hs',
  '@ünïcödé\u{1f600}:hs',
  '@a\nb:hs',
  `@${'a'.repeat(250)}:hs`,
]

const serverNames = fc.oneof(
  fc.domain(),
  fc
    .tuple(fc.domain(), fc.integer({ min: 1, max: 65_535 }))
    .map(([name, port]) => `${name}:${port}`),
  fc.ipV4(),
  fc.ipV6().map(address => `[${address}]`),
)
/** Letters, and what means something in LIKE, in regular expressions, in URLs and in quotes. */
const PATTERN_LIKE = Array.from(`abAB_%.*+-=/'"\\`)
const localparts = fc.oneof(
  fc.string({ unit: fc.constantFrom(...PATTERN_LIKE), maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }).map(text => text.replace(/[:\0]/g, '')),
)
const userIds = fc
  .oneof(
    fc.constantFrom(...CLASSICS),
    fc
      .tuple(localparts, serverNames)
      .map(([localpart, server]) => `@${localpart}:${server}`),
  )
  .filter(isUserId)

t.test('7. Bystanders are untouched', async t => {
  const db = new DatabaseSync(join(t.testdir(), 'bridge.db'))
  t.teardown(() => db.close())
  db.exec('CREATE TABLE message (id INTEGER PRIMARY KEY, sender TEXT, body TEXT)')
  const insert = db.prepare('INSERT INTO message (sender, body) VALUES (?, ?)')
  const remove = db.prepare('DELETE FROM message WHERE sender = ?')
  const count = db.prepare('SELECT count(*) AS n FROM message WHERE sender = ?')
  const others = db.prepare(
    'SELECT id, sender, body FROM message WHERE sender <> ? ORDER BY id',
  )
  let people = 0

  const erase = async (userId: UserId) => {
    const bystanders = [...lookAlikes(userId), ...CLASSICS.map(parseUserId)]
    const clock = fakeClock()
    const erasure = await createErasure(volatile({ clock, settleMs: 0 }))
    erasure.onUserErase('messages', {
      purge: async context => void remove.run(context.userId),
      verify: async context => Number(count.get(context.userId)?.['n']),
    })
    await erasure.start()
    db.exec('DELETE FROM message')
    for (const user of [userId, ...bystanders]) insert.run(user, `a message of ${user}`)
    people += bystanders.length
    const before = others.all(userId)
    await erasure.accept(userId)
    await clock.advance(10)
    t.equal((await erasure.status()).counts.erased, 1)
    t.same(others.all(userId), before, JSON.stringify(userId))
    t.ok(await erasure.isErased(userId))
    for (const other of bystanders) {
      if (other !== userId && (await erasure.isErased(other)))
        t.fail(`${other} counts as ${userId}`)
    }
    await erasure.close()
  }

  for (const classic of CLASSICS) await erase(parseUserId(classic))
  const numRuns = Math.max(20, Math.ceil(SIZES.schedules / 10))
  await fc.assert(fc.asyncProperty(userIds, erase), { numRuns, seed: SIZES.seed })
  t.comment(
    `seed ${SIZES.seed}, ${numRuns + CLASSICS.length} users, ${people} bystanders`,
  )
})
