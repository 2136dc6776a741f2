import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import t from 'tap'

import { findResidue } from '../../../lib/testing/handlers/find-residue.ts'
import { breathe } from '../../support/fake-clock.ts'
import { openErasure } from '../../support/open-erasure.ts'

const USER = '@zephyrine:example.org'
const FILES = [
  'erasure.db',
  'erasure.db-wal',
  'erasure.db-shm',
  'erasure.db-journal',
  'erasure.db.lock',
]

/** Everything in the store's files, as one text. */
function bytesIn(directory: string): string {
  const paths = FILES.map(name => join(directory, name)).filter(existsSync)
  return paths.map(path => readFileSync(path, 'latin1')).join('')
}

/** What is sealed in the documents of an open request, as it stands in the file. */
function sealedValues(directory: string): string[] {
  const database = new DatabaseSync(join(directory, 'erasure.db'), { readOnly: true })
  const rows = database
    .prepare(`SELECT value FROM document WHERE key LIKE 'erasure:request:%'`)
    .all()
  database.close()
  const text = rows.map(({ value }) => value).join('')
  return [...text.matchAll(/"(?:sealed|cursor)":"([^"]+)"/g)].map(
    ([, sealed = '']) => sealed,
  )
}

t.test('4. We leave nothing', async t => {
  const directory = t.testdir()
  const erasure = await openErasure(t, { settleMs: 50 }, directory)
  let mayFinish = false
  const seen: string[] = []
  erasure.onUserErase<{ user: string; n: number }>('messages', {
    async purge({ userId, cursor }) {
      const n = cursor?.n ?? 0
      if (n === 20 && !mayFinish) return { more: { user: userId, n }, waitMs: 5 }
      // A new cursor each time, so that the row is written over and over.
      return n < 40 ? { removed: 1, more: { user: userId, n: n + 1 } } : {}
    },
    verify: async () => 0,
  })
  erasure.onUserErase('fails', async ({ userId }) => {
    if (!mayFinish) throw new Error(userId)
  })
  await erasure.start()
  for (let request = 0; request < 5; request += 1) await erasure.accept(USER)
  await erasure.accept('@somebody-else:example.org')

  while (
    !Object.values((await erasure.status()).open).every(
      ({ state }) => state === 'purging',
    )
  ) {
    await breathe()
  }
  await breathe(200)
  t.same(findResidue(USER, [directory]), [], 'while it is open the user is only sealed')
  seen.push(...sealedValues(directory))
  t.ok(seen.length > 6)
  t.ok(
    seen.every(sealed => bytesIn(directory).includes(sealed)),
    'the sealed values can be seen',
  )

  mayFinish = true
  for (const { requestId } of (await erasure.status()).open)
    await erasure.retry(requestId)
  while ((await erasure.status()).counts.erased < 6) await breathe()
  await breathe(50)
  const left = bytesIn(directory)
  t.notOk(
    seen.some(sealed => left.includes(sealed)),
    'no sealed value is left in any file',
  )
  t.notOk(/"(?:sealed|cursor)":"/.test(left), 'nor any other')
  t.same(findResidue(USER, [directory]), [])
  await erasure.close()
  t.same(findResidue(USER, [directory]), [], 'nor after closing')
  t.notOk(seen.some(sealed => bytesIn(directory).includes(sealed)))
})
