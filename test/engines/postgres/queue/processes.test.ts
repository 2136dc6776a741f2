import { setTimeout as pause } from 'node:timers/promises'

import t from 'tap'

import { openScheduler } from '../../../support/pg-boss/open-schedulers.ts'
import { startWorker } from '../../../support/pg-boss/start-worker.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'
import { until } from '../../../support/until.ts'
import { randomRequestId, standInTag } from '../../../../lib/testing/engines/stand-ins.ts'

t.test('what processes do to each other', { timeout: 280_000 }, async t => {
  const { connectionString } = await openTestDatabase(t)
  t.jobs = 4

  const killed = 'work of a process that was killed is resumed by another'
  void t.test(killed, { buffered: true }, async t => {
    const worker = startWorker(t, connectionString, 'killed')
    const { scheduler } = openScheduler(t, connectionString, 'killed')
    const ids = [randomRequestId(), randomRequestId(), randomRequestId()]
    for (const id of ids) await scheduler.schedule(id, new Date(), standInTag(id))
    await Promise.all(ids.map(id => worker.printed(RegExp(`^began ${id}$`))))
    const resumed = new Map<string, number>()
    await scheduler.start(async id => {
      resumed.set(id, Date.now())
      return undefined
    })
    worker.process.kill('SIGKILL')
    const killedAt = Date.now()
    await until('all were resumed', () => resumed.size === ids.length)
    const lastMs = Math.max(...resumed.values()) - killedAt
    t.comment(`resumed ${lastMs} ms after the kill, with a lease of 10,000 ms`)
    t.same([...resumed.keys()].toSorted(), ids.toSorted())
    t.ok(lastMs >= 5000, 'nobody takes it as long as the lease may hold')
  })

  const stopped =
    'a process that was stopped for longer than its lease finds its work aborted, and ' +
    'changes nothing of what another does meanwhile'
  void t.test(stopped, { buffered: true }, async t => {
    const worker = startWorker(t, connectionString, 'stopped')
    const { scheduler, database } = openScheduler(t, connectionString, 'stopped')
    const id = randomRequestId()
    await scheduler.schedule(id, new Date(), standInTag(id))
    await worker.printed(RegExp(`^began ${id}$`))
    worker.process.kill('SIGSTOP')
    let begun = 0
    let goOn = () => {}
    const gate = new Promise<void>(resolve => (goOn = resolve))
    await scheduler.start(async () => {
      begun += 1
      await gate
      return new Date(Date.now() + 60 * 60 * 1000)
    })
    await until('another went on', () => begun === 1)
    t.notOk(worker.lines.includes(`aborted ${id}`))
    const rows = async () =>
      (await database.query(`SELECT state, retry_count FROM stopped_queue.job`)).rows
    t.same(await rows(), [{ state: 'active', retry_count: 1 }])
    worker.process.kill('SIGCONT')
    // It then says that it is finished, which would delete the entry.
    await worker.printed(RegExp(`^aborted ${id}$`))
    await pause(1000)
    t.same(await rows(), [{ state: 'active', retry_count: 1 }])
    goOn()
    await until('it was given back', async () => {
      const [row] = await rows()
      return (row as { state: string }).state === 'created'
    })
    t.equal(begun, 1)
  })

  const long =
    'work that takes longer than a lease is not aborted, and nobody else is called'
  void t.test(long, { buffered: true }, async t => {
    const first = openScheduler(t, connectionString, 'long')
    const second = openScheduler(t, connectionString, 'long')
    const signals: AbortSignal[] = []
    let isDone = false
    for (const { scheduler } of [first, second]) {
      await scheduler.start(async (_id, signal) => {
        signals.push(signal)
        await pause(15_000)
        isDone = true
        return undefined
      })
    }
    const id = randomRequestId()
    await first.scheduler.schedule(id, new Date(), standInTag(id))
    await until('it is done', () => isDone)
    t.equal(signals.length, 1)
    t.notOk(signals[0]?.aborted)
  })

  const together = 'processes that start at once on an empty database all come up'
  void t.test(together, { buffered: true }, async t => {
    const workers = [1, 2].map(() => startWorker(t, connectionString, 'together'))
    const here = [1, 2, 3].map(() => openScheduler(t, connectionString, 'together'))
    await Promise.all(here.map(({ scheduler }) => scheduler.start(async () => undefined)))
    await Promise.all(workers.map(worker => worker.printed(/^started$/)))
    t.pass()
    for (const worker of workers) worker.process.stdin.end()
    for (const worker of workers) t.equal((await worker.ended).code, 0)
  })
})
