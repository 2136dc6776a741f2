// 9.A1: commits during which the locks on the files are lost.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { GroupCommit } from '../../../lib/engines/sqlite/group-commit.ts'
import { HeldDatabase } from '../../../lib/engines/sqlite/held-database.ts'
import { sqliteStore } from '../../../lib/engines/sqlite/sqlite-store.ts'
import { inAnotherProcess } from '../../support/in-another-process.ts'

t.test('9.A1: a commit during which the locks were lost is not acknowledged', async t => {
  const path = join(t.testdir(), 'erasure.db')
  const held = new HeldDatabase(path, false)
  t.teardown(() => held.close())
  const commits = new GroupCommit(held)
  const insert = (key: string) => () =>
    held.database.prepare('INSERT INTO document VALUES (?, ?, NULL)').run(key, 'x')
  await commits.write(insert('a'))
  const written = commits.write(() => {
    insert('b')()
    for (const suffix of ['', '-wal', '-shm']) readFileSync(path + suffix)
  })
  await t.rejects(written, { code: 'STORE_REPLACED' })
  await commits.write(insert('c'))
})

t.test(
  '9.A1: what was written into a lost log is not written over what others have written',
  async t => {
    const path = join(t.testdir(), 'erasure.db')
    const held = new HeldDatabase(path, false)
    t.teardown(() => held.close())
    const commits = new GroupCommit(held)
    const insert = (key: string) =>
      held.database
        .prepare('INSERT INTO document VALUES (?, ?, NULL)')
        .run(key, 'x'.repeat(500))
    await commits.write(() => insert('before'))
    const written = commits.write(() => {
      // More pages than theirs, which the log then has behind what they have taken over.
      for (let row = 0; row < 300; row += 1) insert(`in the lost log ${row}`)
      for (const suffix of ['', '-wal', '-shm']) readFileSync(path + suffix)
      const theirs = Array.from(
        { length: 5 },
        (_, row) => `('theirs ${row}', '${'y'.repeat(500)}', NULL)`,
      )
      inAnotherProcess(path, `INSERT INTO document VALUES ${theirs.join(', ')}`)
      t.notOk(existsSync(`${path}-wal`), 'they have taken over the log and removed it')
    })
    await t.rejects(written, { code: 'STORE_REPLACED' })
    await commits.write(() => insert('after'))
    const keys = held.database
      .prepare('SELECT key FROM document')
      .all()
      .map(({ key }) => String(key))
    t.equal(keys.filter(key => key.startsWith('theirs')).length, 5)
    t.ok(keys.includes('before') && keys.includes('after'))
    t.same(
      held.database
        .prepare('PRAGMA integrity_check')
        .all()
        .map(row => ({ ...row })),
      [{ integrity_check: 'ok' }],
    )
  },
)

t.test('9.A1: nothing is acknowledged while locks cannot be had again', async t => {
  const path = join(t.testdir(), 'erasure.db')
  const store = sqliteStore({ path })
  t.teardown(() => store.disconnect?.())
  await store.set('a', '1')
  const reader = sqliteStore({ path, readOnly: true })
  await reader.get('a')
  for (const suffix of ['', '-wal', '-shm', '.lock']) readFileSync(path + suffix)
  await t.rejects(store.set('b', '1'), {
    code: 'STORE_REPLACED',
    message: /another connection/,
  })
  await reader.disconnect?.()
  t.equal(await store.set('b', '1'), true)
})

t.test('9.A1: what keeps nothing does not call itself durable', async t => {
  const folder = t.testdir()
  const file = new URL(join(folder, 'x.db'), 'file:').href
  for (const path of [
    '',
    ':memory:',
    'file::memory:',
    `${file}?mode=memory`,
    `FILE:${folder}/x.db?vfs=memdb`,
  ])
    t.throws(() => sqliteStore({ path }), TypeError, path)
})
