import { randomUUID } from 'node:crypto'

import t from 'tap'

import { isErasureError } from '../../../../lib/errors.ts'
import { openDatabase } from '../../../../lib/engines/postgres/connection/database.ts'
import { startProxy } from '../../../proof/chaos/proxy.ts'
import { openScheduler } from '../../../support/pg-boss/open-schedulers.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'
import { until } from '../../../support/until.ts'
import { randomRequestId, standInTag } from '../../../../lib/testing/engines/stand-ins.ts'

t.test('what happens to the database', { timeout: 280_000 }, async t => {
  const { connectionString } = await openTestDatabase(t)
  const port = Number(new URL(connectionString).port)
  const by = (proxy: { readonly port: number }) => {
    const url = new URL(connectionString)
    url.host = `127.0.0.1:${proxy.port}`
    return url.href
  }
  t.jobs = 4

  const cut = 'when every connection is cut while work runs, it goes on'
  void t.test(cut, { buffered: true }, async t => {
    const proxy = await startProxy(port)
    t.teardown(() => proxy.close())
    const { scheduler } = openScheduler(t, by(proxy), 'cut')
    const done: string[] = []
    let goOn = () => {}
    const gate = new Promise<void>(resolve => (goOn = resolve))
    const signals: AbortSignal[] = []
    await scheduler.start(async (id, signal) => {
      signals.push(signal)
      await gate
      done.push(id)
      return undefined
    })
    const first = randomRequestId()
    await scheduler.schedule(first, new Date(), standInTag(first))
    await until('work began', () => signals.length === 1)
    proxy.cut()
    goOn()
    const others: string[] = []
    for (let cuts = 0; cuts < 3; cuts += 1) {
      const id = randomRequestId()
      others.push(id)
      await until('it can be scheduled', () =>
        scheduler.schedule(id, new Date(), standInTag(id)).then(
          () => true,
          () => false,
        ),
      )
      proxy.cut()
    }
    await until('all are done', () => others.every(id => done.includes(id)))
    t.equal(done.filter(id => id === first).length, 1)
    t.ok(signals.every(signal => !signal.aborted))
  })

  const terminated = 'when the server ends every session while work runs, it goes on'
  void t.test(terminated, { buffered: true }, async t => {
    const { scheduler } = openScheduler(t, connectionString, 'terminated')
    const { database } = openScheduler(t, connectionString, 'elsewhere')
    const calls: string[] = []
    await scheduler.start(async id => {
      calls.push(id)
      // Of the sessions that have the schema's name in their last statement: not of other tests.
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND query LIKE '%terminated_queue%'`,
      )
      return calls.length < 3 ? new Date() : undefined
    })
    const id = randomRequestId()
    await scheduler.schedule(id, new Date(), standInTag(id))
    await until('it was called again and again', () => calls.length >= 3)
    await until('it is finished', async () => {
      const { rows } = await database.query('SELECT id FROM terminated_queue.job')
      return rows.length === 0
    })
    t.ok(calls.every(called => called === id))
  })

  const hole =
    'when nothing gets through any more, work is aborted before another process begins on it'
  void t.test(hole, { buffered: true }, async t => {
    const proxy = await startProxy(port)
    t.teardown(() => proxy.close())
    const lost = openScheduler(t, by(proxy), 'hole')
    const other = openScheduler(t, connectionString, 'hole')
    const running: string[] = []
    const story: string[] = []
    await lost.scheduler.start(async (id, signal) => {
      running.push(id)
      await new Promise(resolve => signal.addEventListener('abort', resolve))
      story.push('aborted')
      return undefined
    })
    const id = randomRequestId()
    await lost.scheduler.schedule(id, new Date(), standInTag(id))
    await until('work began', () => running.includes(id))
    await other.scheduler.start(async () => {
      story.push('resumed')
      return undefined
    })
    proxy.blackHole()
    await until('another went on', () => story.includes('resumed'))
    t.same(story, ['aborted', 'resumed'])
    // Without a database, too.
    await lost.scheduler.close()
    proxy.resume()
  })

  const down = 'without a database it refuses, and once there is one it starts'
  void t.test(down, { buffered: true }, async t => {
    const admin = openDatabase({ connectionString })
    t.teardown(() => admin.close())
    const name = `not_yet_${randomUUID().replaceAll('-', '')}`
    const url = new URL(connectionString)
    url.pathname = name
    t.teardown(() => admin.query(`DROP DATABASE ${name} WITH (FORCE)`))
    const { scheduler, database } = openScheduler(t, url.href, 'down')
    let called = ''
    const start = () =>
      scheduler.start(async id => {
        called = id
        return undefined
      })
    const id = randomRequestId()
    const errors = await Promise.all([
      scheduler.schedule(id, new Date(), standInTag(id)).catch((error: unknown) => error),
      start().catch((error: unknown) => error),
    ])
    t.ok(isErasureError(errors[0], 'STORE_UNWRITABLE'))
    t.ok(isErasureError(errors[1], 'STORE_UNREADABLE'))
    t.match(String(errors[0]), database.location)
    await admin.query(`CREATE DATABASE ${name}`)
    await start()
    await scheduler.schedule(id, new Date(), standInTag(id))
    await until('it was called', () => called === id)
  })
})
