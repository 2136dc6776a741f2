import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import t from 'tap'

import { Checkpointer } from '../../../lib/engines/sqlite/checkpoint.ts'
import type { StoreDatabase } from '../../../lib/engines/sqlite/held-database.ts'
import { fakeClock } from '../../support/fake-clock.ts'

/** A database that nobody else gets at. */
function held(database: DatabaseSync): StoreDatabase {
  return { database, ensureHeld() {}, confirmHeld() {}, close: () => database.close() }
}

t.test('a checkpoint that fails is tried again', async t => {
  const path = join(t.testdir(), 'erasure.db')
  const database = new DatabaseSync(path)
  t.teardown(() => database.close())
  database.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE document (value TEXT);
    INSERT INTO document VALUES ('findme');
    PRAGMA query_only = ON;
  `)
  const clock = fakeClock()
  const checkpoints = new Checkpointer(held(database), clock)
  t.teardown(() => checkpoints.close())
  let isDone = false
  const forgotten = checkpoints.forget().then(() => (isDone = true))
  await clock.advance(1000)
  t.notOk(isDone)
  t.match(readFileSync(`${path}-wal`, 'latin1'), 'findme')
  database.exec('PRAGMA query_only = OFF')
  await clock.advance(1000)
  await forgotten
  t.equal(readFileSync(`${path}-wal`).length, 0)
})
