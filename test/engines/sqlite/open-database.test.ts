import {
  chmodSync,
  copyFileSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import t from 'tap'

import { sqliteStore } from '../../../lib/engines/sqlite/sqlite-store.ts'
import { startCommand } from '../../support/program.ts'

t.test('files are made for their owner only', async t => {
  const path = join(t.testdir(), 'new/folder/erasure.db')
  const store = sqliteStore({ path })
  await store.set('a', '1')
  for (const suffix of ['', '-wal', '-shm', '.lock']) {
    t.equal(statSync(path + suffix).mode & 0o777, 0o600, suffix)
  }
  await store.disconnect?.()
  chmodSync(path, 0o666)
  await sqliteStore({ path }).disconnect?.()
  t.equal(statSync(path).mode & 0o777, 0o600)
})

t.test('a second opener is refused, until the first has closed', async t => {
  const path = join(t.testdir(), 'erasure.db')
  const first = sqliteStore({ path })
  t.throws(() => sqliteStore({ path }), {
    code: 'STORE_LOCKED',
    message: /another process/,
  })
  await first.disconnect?.()
  await first.disconnect?.()
  await sqliteStore({ path }).disconnect?.()
})

t.test('a second process is refused, until the first has died', async t => {
  const path = join(t.testdir(), 'erasure.db')
  const script = `
    import { sqliteStore } from ${JSON.stringify(import.meta.resolve('../../../lib/engines/sqlite/sqlite-store.ts'))}
    sqliteStore({ path: ${JSON.stringify(path)} })
    gc() // Nobody refers to the store, and the lock must hold all the same.
    setTimeout(() => console.log('open'), 50)
    setInterval(() => {}, 1000)
  `
  const args = ['--expose-gc', '--input-type=module-typescript', '-e', script]
  const child = startCommand([process.execPath, ...args])
  t.teardown(() => child.end())
  await child.printed(/./)
  t.throws(() => sqliteStore({ path }), { code: 'STORE_LOCKED' })
  await child.end('SIGKILL')
  await sqliteStore({ path }).disconnect?.()
})

t.test('a reader sees what is committed, beside the writer', async t => {
  const path = join(t.testdir(), 'erasure.db')
  t.throws(() => sqliteStore({ path, readOnly: true }), { code: 'STORE_MISSING' })
  const writer = sqliteStore({ path })
  await writer.set('a', '1')
  const reader = sqliteStore({ path, readOnly: true })
  t.equal(await reader.get('a'), '1')
  await t.rejects(reader.set('a', '2'), /readonly/)
  await reader.disconnect?.()
  await writer.disconnect?.()
})

t.test('a damaged or foreign file is refused, and left as it is', async t => {
  const directory = t.testdir()
  const good = join(directory, 'good.db')
  const store = sqliteStore({ path: good })
  for (let row = 0; row < 200; row += 1) await store.set(`key-${row}`, 'x'.repeat(200))
  await store.disconnect?.()
  const damages: ReadonlyArray<readonly [string, string, (path: string) => void]> = [
    ['text', 'STORE_CORRUPT', path => writeFileSync(path, 'not a database')],
    ['a short file', 'STORE_CORRUPT', path => writeFileSync(path, 'SQLi')],
    ['zeroes', 'STORE_CORRUPT', path => writeFileSync(path, Buffer.alloc(8192))],
    ['a cut file', 'STORE_CORRUPT', path => truncateSync(path, 8192)],
    [
      'a page of noise',
      'STORE_CORRUPT',
      path => writeAt(path, 8192, Buffer.alloc(4096, 0xaa)),
    ],
    ['another database', 'STORE_FOREIGN', path => makeForeign(path)],
    ['a newer version', 'STORE_FOREIGN', path => bump(path)],
  ]
  for (const [what, code, damage] of damages) {
    const path = join(directory, `${what}.db`)
    copyFileSync(good, path)
    damage(path)
    const before = readFileSync(path)
    for (const readOnly of [false, true]) {
      t.throws(() => sqliteStore({ path, readOnly }), { code, message: path }, what)
    }
    t.ok(before.equals(readFileSync(path)), `${what}: nothing was changed`)
  }
  t.throws(() => sqliteStore({ path: directory }), {
    code: 'STORE_UNWRITABLE',
    message: /folder/,
  })
  t.throws(() => sqliteStore({ path: '' }), TypeError)
})

t.test('half a first page is undone, if there is the journal for it', async t => {
  const path = join(t.testdir(), 'erasure.db')
  const page = Buffer.alloc(4096)
  page.write('the first sector of the page was not written', 512)
  writeFileSync(path, page)
  t.throws(() => sqliteStore({ path }), { code: 'STORE_CORRUPT' })
  t.ok(page.equals(readFileSync(path)))
  writeFileSync(`${path}-journal`, journalOfNothing())
  const store = sqliteStore({ path })
  await store.set('a', '1')
  t.equal(await store.get('a'), '1')
  await store.disconnect?.()

  writeFileSync(path, 'not a database')
  writeFileSync(`${path}-journal`, '')
  t.throws(() => sqliteStore({ path }), { code: 'STORE_CORRUPT' })
  t.equal(readFileSync(path, 'utf8'), 'not a database')
})

/** @see https://www.sqlite.org/fileformat2.html#the_rollback_journal */
function journalOfNothing(): Buffer {
  const journal = Buffer.alloc(512)
  journal.write('d9d505f920a163d7', 'hex')
  // No pages in the journal, none in the database before; sizes of a sector and of a page.
  journal.writeUInt32BE(512, 20)
  journal.writeUInt32BE(4096, 24)
  return journal
}

function writeAt(path: string, position: number, bytes: Buffer): void {
  const content = readFileSync(path)
  bytes.copy(content, position)
  writeFileSync(path, content)
}

function makeForeign(path: string): void {
  writeFileSync(path, '')
  const database = new DatabaseSync(path)
  database.exec('CREATE TABLE theirs (x)')
  database.close()
}

function bump(path: string): void {
  const database = new DatabaseSync(path)
  database.exec('PRAGMA user_version = 99')
  database.close()
}
