import { appendFileSync, copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import t, { type Test } from 'tap'

import { GroupCommit } from '../../../lib/engines/sqlite/group-commit.ts'
import type { StoreDatabase } from '../../../lib/engines/sqlite/held-database.ts'
import { sqliteStore } from '../../../lib/engines/sqlite/sqlite-store.ts'
import { breathe, fakeClock } from '../../support/fake-clock.ts'
import { runProgram } from '../../support/program.ts'

/** A database that nobody else gets at. */
function held(database: DatabaseSync): StoreDatabase {
  return { database, ensureHeld() {}, confirmHeld() {}, close: () => database.close() }
}

t.test('writes of one turn are one transaction, and all of it or nothing', async t => {
  const database = new DatabaseSync(join(t.testdir(), 'x.db'))
  t.teardown(() => database.close())
  database.exec('CREATE TABLE item (name TEXT PRIMARY KEY)')
  const insert = database.prepare('INSERT INTO item VALUES (?)')
  const statements: string[] = []
  const exec = database.exec.bind(database)
  database.exec = sql => {
    statements.push(sql)
    exec(sql)
  }
  const commits = new GroupCommit(held(database))
  const names = Array.from({ length: 1000 }, (_, index) => `name-${index}`)
  const add = async (name: string) => {
    // Requests do not arrive in one go: each has its own way through the turn.
    await Promise.resolve()
    await commits.write(() => insert.run(name))
  }
  const added = [commits.write(() => insert.run('first')), ...names.map(add)]
  process.nextTick(() => added.push(add('last')))
  await Promise.resolve()
  await Promise.all(added)
  t.same(statements, ['BEGIN IMMEDIATE', 'COMMIT'])
  const mixed = [
    commits.write(() => insert.run('new')),
    commits.write(() => insert.run('name-1')),
  ]
  const ended = await Promise.allSettled(mixed)
  t.same(
    ended.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  t.equal(database.prepare('SELECT count(*) AS n FROM item').get()?.['n'], 1002)
  t.equal(await commits.write(() => 'still works'), 'still works')
  commits.flush()
})

t.test(
  'what was deleted or overwritten is gone from every file once forget resolves',
  async t => {
    const path = join(t.testdir(), 'erasure.db')
    const store = sqliteStore({ path })
    t.teardown(() => store.disconnect?.())
    const files = () =>
      ['', '-wal', '-shm'].map(suffix => readFileSync(path + suffix, 'latin1')).join('')
    for (let row = 0; row < 300; row += 1) await store.set(`row-${row}`, `findme-${row}`)
    t.match(files(), 'findme', 'the scan sees them while they are there')
    for (let row = 0; row < 300; row += 2) await store.set(`row-${row}`, 'replaced')
    for (let row = 1; row < 300; row += 2) await store.delete(`row-${row}`)
    t.match(files(), 'findme', 'the log still has them')
    await Promise.all([store.forget?.(), store.forget?.()])
    t.notMatch(files(), 'findme')
  },
)

t.test(
  'a reader that holds a snapshot delays forget, and a signal ends the waiting',
  async t => {
    const path = join(t.testdir(), 'erasure.db')
    const clock = fakeClock()
    const store = sqliteStore({ path, clock })
    t.teardown(() => store.disconnect?.())
    await store.set('a', 'findme')
    const reader = new DatabaseSync(path, { readOnly: true })
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM document').get()
    await store.delete('a')
    let done = false
    const forgotten = store.forget?.().then(() => (done = true))
    await clock.advance(1000)
    t.notOk(done)
    const abort = new AbortController()
    const waiting = store.forget?.(abort.signal)
    abort.abort()
    await waiting
    await store.forget?.(abort.signal)
    reader.exec('COMMIT')
    reader.close()
    await clock.advance(1000)
    await forgotten
    t.notMatch(readFileSync(`${path}-wal`, 'latin1'), 'findme')
    t.notMatch(readFileSync(path, 'latin1'), 'findme')
  },
)

/** The files of a store that crashed when a row was deleted and not yet forgotten. */
async function crashedStore(t: Test): Promise<string> {
  const directory = t.testdir()
  const path = join(directory, 'erasure.db')
  const store = sqliteStore({ path })
  await store.set('a', 'findme')
  await store.delete('a')
  const copy = join(directory, 'copy.db')
  for (const suffix of ['', '-wal']) copyFileSync(path + suffix, copy + suffix)
  await store.disconnect?.()
  return copy
}

t.test(
  'a crash between deleting and forgetting is made good at the next opening',
  async t => {
    const path = await crashedStore(t)
    t.match(readFileSync(`${path}-wal`, 'latin1'), 'findme')
    const store = sqliteStore({ path })
    t.teardown(() => store.disconnect?.())
    for (const suffix of ['', '-wal']) {
      t.notMatch(readFileSync(path + suffix, 'latin1'), 'findme')
    }
  },
)

t.test('or, where a reader prevents that, when the reader lets go', async t => {
  const path = await crashedStore(t)
  const reader = new DatabaseSync(path)
  reader.exec('BEGIN')
  reader.prepare('SELECT count(*) FROM document').get()
  const clock = fakeClock()
  const store = sqliteStore({ path, clock })
  t.teardown(() => store.disconnect?.())
  await clock.advance(1000)
  t.match(readFileSync(`${path}-wal`, 'latin1'), 'findme')
  reader.exec('COMMIT')
  reader.close()
  await clock.advance(1000)
  t.notMatch(readFileSync(`${path}-wal`, 'latin1'), 'findme')
})

t.test('what is past its time to live leaves the disk by itself', async t => {
  const path = join(t.testdir(), 'erasure.db')
  const clock = fakeClock()
  const store = sqliteStore({ path, clock })
  t.teardown(() => store.disconnect?.())
  await clock.advance(0)
  const entries = Array.from({ length: 2500 }, (_, row) => ({
    key: `row-${row}`,
    value: 'x',
    ttl: 1,
  }))
  await store.setMany?.([...entries, { key: 'kept', value: 'y', ttl: 3_700_000 }])
  await store.set('for ever', 'z')
  await clock.advance(5)
  t.notOk(await store.has?.('row-1'))
  t.equal(await store.get('row-1'), 'x', 'still on disk')
  await clock.advance(60 * 60 * 1000)
  t.equal(await store.get('row-1'), undefined)
  t.equal(await store.get('row-2499'), undefined)
  t.ok(await store.has?.('kept'))
  t.ok(await store.has?.('for ever'))
})

t.test('a conditional write compares, sets and deletes as one', async t => {
  const store = sqliteStore({ path: join(t.testdir(), 'erasure.db') })
  t.teardown(() => store.disconnect?.())
  const writeIf = async (key: string, value: string | undefined, text: string) =>
    store.writeIf?.({
      expected: { key, value },
      set: [
        { key, value: text },
        { key: `${key} too`, value: text },
      ],
      delete: ['old'],
    })
  await store.set('old', 'x')
  t.notOk(await writeIf('a', 'something', '1'), 'it is not there')
  t.equal(await store.get('old'), 'x')
  t.ok(await writeIf('a', undefined, '1'))
  t.equal(await store.get('old'), undefined)
  t.equal(await store.get('a too'), '1')
  t.notOk(await writeIf('a', undefined, '2'), 'it is there')
  t.notOk(await writeIf('a', '0', '2'))
  t.equal(await store.get('a too'), '1', 'nothing of it')
  t.ok(await writeIf('a', '1', '2'))
  t.equal(await store.get('a'), '2')
})

t.test(
  'conditional writes of one turn are in its transaction, and spoil nothing',
  async t => {
    const path = join(t.testdir(), 'erasure.db')
    const store = sqliteStore({ path })
    t.teardown(() => store.disconnect?.())
    const exec = t.capture(DatabaseSync.prototype, 'exec', DatabaseSync.prototype.exec)
    const to = (value: string, from?: string) =>
      store.writeIf?.({
        expected: { key: 'a', value: from },
        set: [{ key: 'a', value }],
        delete: [],
      })
    const done = [
      store.set('before', 'x'),
      ...[to('1'), to('2'), to('3', '1'), to('4', '1')],
      store.set('after', 'y'),
    ]
    t.same(await Promise.all(done), [true, true, false, true, false, true])
    t.same(
      exec().map(({ args }) => args[0]),
      ['BEGIN IMMEDIATE', 'COMMIT'],
    )
    const other = new DatabaseSync(path, { readOnly: true })
    t.teardown(() => other.close())
    t.same(
      other
        .prepare('SELECT key, value FROM document ORDER BY key')
        .all()
        .map(row => Object.values(row)),
      [
        ['a', '3'],
        ['after', 'y'],
        ['before', 'x'],
      ],
    )
  },
)

t.test('for a conditional write, what is past its time is not there', async t => {
  const clock = fakeClock()
  const store = sqliteStore({ path: join(t.testdir(), 'erasure.db'), clock })
  t.teardown(() => store.disconnect?.())
  const to = (value: string, from?: string) =>
    store.writeIf?.({
      expected: { key: 'a', value: from },
      set: [{ key: 'a', value, ttl: 1 }],
      delete: [],
    })
  t.ok(await to('1'))
  await clock.advance(5)
  t.equal(await store.get('a'), '1', 'still on disk')
  t.notOk(await to('2', '1'))
  t.ok(await to('2'))
})

t.test(
  'a store that cannot grow rejects, stores nothing of the turn, and recovers',
  async t => {
    const path = join(t.testdir(), 'erasure.db')
    const store = sqliteStore({ path })
    await store.set('before', '1')
    await store.disconnect?.()
    // No file may grow over 256 KiB; Node ignores the signal that comes with it.
    const under = ['sh', '-c', 'ulimit -f 512; exec "$@"', 'sh']
    const { code, stdout } = await runProgram('test/support/fill-store.ts', [path], {
      under,
    })
    t.equal(code, 0)
    t.same(JSON.parse(stdout), {
      ended: ['rejected', 'rejected'],
      found: [false, false, true],
    })
    const after = sqliteStore({ path })
    t.teardown(() => after.disconnect?.())
    t.equal(await after.get('before'), '1')
    t.equal(await after.get('later'), '1')
  },
)

t.test(
  'a closed store rejects, and a broken lock file is not called another process',
  async t => {
    const path = join(t.testdir(), 'erasure.db')
    const store = sqliteStore({ path })
    await store.disconnect?.()
    await t.rejects(store.set('a', '1'), { code: 'CLOSED' })
    await t.rejects(async () => store.get('a'), { code: 'CLOSED' })
    await breathe()
    appendFileSync(
      `${path}.lock`,
      'this is no database, and long enough to be taken for one',
    )
    t.throws(() => sqliteStore({ path }), /not a database/)
  },
)
