import t, { type Test } from 'tap'

import { systemClock } from '../../../../lib/host/clock.ts'
import { silentLogger } from '../../../../lib/host/logger.ts'
import {
  type Database,
  openDatabase,
} from '../../../../lib/engines/postgres/connection/database.ts'
import { openRequestQueue } from '../../../../lib/engines/postgres/queue/request-queue.ts'
import { openScheduler } from '../../../support/pg-boss/open-schedulers.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'
import { until } from '../../../support/until.ts'
import { randomRequestId, standInTag } from '../../../../lib/testing/engines/stand-ins.ts'

const HOUR_MS = 60 * 60 * 1000

async function setUp(t: Test) {
  const { connectionString } = await openTestDatabase(t)
  const opened = openDatabase({ connectionString })
  const texts: string[] = []
  const database: Database = {
    location: opened.location,
    query: (text, values, timeoutMs) => {
      texts.push(typeof text === 'string' ? text : text.text)
      return opened.query(text, values, timeoutMs)
    },
    transaction: opened.transaction.bind(opened),
    subscribe: opened.subscribe.bind(opened),
    close: opened.close.bind(opened),
  }
  let woken = 0
  const queue = await openRequestQueue({
    database,
    schema: 'q',
    logger: silentLogger,
    clock: systemClock,
    leaseSeconds: 10,
    onWake: () => (woken += 1),
  })
  t.teardown(async () => {
    await queue.close()
    await database.close()
  })
  const rows = async <Row>(columns: string) =>
    (await opened.query<Row>(`SELECT ${columns} FROM q.job ORDER BY id`)).rows
  const claimed = async () => (await queue.claim(10)) ?? []
  return { queue, database, texts, rows, claimed, wokenTimes: () => woken }
}

/** Has pg-boss take an entry for a dead process's. */
async function letLapse(database: Database): Promise<void> {
  await database.query(`UPDATE q.job SET heartbeat_on = now() - interval '1 hour'`)
  await until('the lease has run out', async () => {
    const { rows } = await database.query(`SELECT FROM q.job WHERE state = 'retry'`)
    return rows.length > 0
  })
}

t.test('a process that has lost an entry changes nothing of it', async t => {
  const { queue, database, rows, claimed } = await setUp(t)
  const entry = { id: randomRequestId(), at: Date.now(), group: standInTag('a') }
  await queue.add(entry)
  const [old] = await claimed()
  if (old === undefined) throw new Error('Nothing was claimed')
  await letLapse(database)
  await queue.settle({ claim: old, again: undefined })
  t.equal((await rows('id')).length, 1)
  const [mine] = await claimed()
  if (mine === undefined) throw new Error('Nothing was claimed')
  t.equal(mine.attempt, 1)
  await queue.settle({ claim: old, again: undefined })
  await queue.settle({ claim: old, again: new Date() })
  t.same(await rows('state, retry_count'), [{ state: 'active', retry_count: 1 }])
  t.equal((await queue.renew([old], 10_000)).size, 0)
  t.same(await queue.renew([mine], 10_000), new Map([[entry.id, true]]))
  await queue.settle({ claim: mine, again: undefined })
  t.same(await rows('id'), [])

  // Scheduled anew, its attempts are counted from 0 again.
  await queue.add(entry)
  const [anew] = await claimed()
  t.equal(anew?.attempt, old.attempt)
  await queue.settle({ claim: old, again: undefined })
  t.equal((await queue.renew([old], 10_000)).size, 0)
  t.equal((await rows('id')).length, 1)
})

t.test('a renewal is that of one entry, and no other', async t => {
  const { queue, database, rows, claimed } = await setUp(t)
  for (const group of ['a', 'b'])
    await queue.add({ id: randomRequestId(), at: Date.now(), group: standInTag(group) })
  const [first] = await claimed()
  if (first === undefined) throw new Error('Nothing was claimed')
  await database.query(`UPDATE q.job SET heartbeat_on = now() - interval '5 seconds'`)
  t.same(await queue.renew([first], 10_000), new Map([[first.id, true]]))
  t.same(
    (
      await rows<{ id: string; old: boolean }>(
        "id, heartbeat_on < now() - interval '4 seconds' AS old",
      )
    )
      .filter(({ old }) => !old)
      .map(({ id }) => id),
    [first.id],
  )
})

t.test('an entry that somebody has locked is neither renewed nor lost', async t => {
  const { queue, database, rows, claimed } = await setUp(t)
  await queue.add({ id: randomRequestId(), at: Date.now(), group: standInTag('a') })
  const [claim] = await claimed()
  if (claim === undefined) throw new Error('Nothing was claimed')
  await database.transaction(async query => {
    await query('SELECT FROM q.job FOR UPDATE')
    t.same(await queue.renew([claim], 10_000), new Map([[claim.id, false]]))
    t.equal(await queue.settle({ claim, again: undefined }), false)
  })
  t.same(await queue.renew([claim], 10_000), new Map([[claim.id, true]]))
  t.equal(await queue.settle({ claim, again: undefined }), true)
  t.same(await rows('id'), [])
})

t.test('what is to be tried again is due when it says', async t => {
  const { queue, database } = await setUp(t)
  const [first, second] = [randomRequestId(), randomRequestId()]
  await queue.add({ id: first, at: Date.now() + 2 * HOUR_MS, group: standInTag('a') })
  await queue.add({ id: second, at: Date.now() + 3 * HOUR_MS, group: standInTag('b') })
  for (const id of [first, second]) {
    await database.query(
      `UPDATE q.job SET state = CASE WHEN id = $1 THEN 'retry' ELSE 'created' END::q.job_state`,
      [id],
    )
    const dueMs = (await queue.msUntilDue()) ?? 0
    t.ok(dueMs > HOUR_MS && dueMs <= 2 * HOUR_MS)
  }
})

t.test('each claim is another attempt, whatever came of the one before', async t => {
  const { queue, claimed } = await setUp(t)
  await queue.add({ id: randomRequestId(), at: Date.now(), group: standInTag('a') })
  for (const attempt of [0, 1, 2]) {
    const [claim] = await claimed()
    t.equal(claim?.attempt, attempt)
    if (claim !== undefined) await queue.settle({ claim, again: new Date() })
  }
})

t.test('finished entries leave no row, and the others only ids and times', async t => {
  const { queue, rows, claimed } = await setUp(t)
  const [first, second] = [randomRequestId(), randomRequestId()]
  await queue.add({ id: first, at: Date.now(), group: standInTag('a') })
  await queue.add({ id: second, at: Date.now() + HOUR_MS, group: standInTag('a') })
  const [claim] = await claimed()
  t.equal(claim?.id, first)
  // While it is worked on, and after.
  await queue.add({ id: first, at: Date.now() + HOUR_MS, group: standInTag('a') })
  if (claim !== undefined)
    await queue.settle({ claim, again: new Date(Date.now() + 2 * HOUR_MS) })
  const left = await rows<Record<string, unknown>>('*')
  t.same(
    left.map(({ id }) => id),
    [first, second].toSorted(),
  )
  for (const row of left) {
    t.equal(row['singleton_key'], 'a')
    t.equal(row['data'], null)
    t.equal(row['output'], null)
    t.ok((row['start_after'] as Date).getTime() <= Date.now() + HOUR_MS)
    t.ok((row['keep_until'] as Date).getTime() > Date.now() + 9 * 365 * 24 * HOUR_MS)
  }
  await queue.add({ id: first, at: Date.now(), group: standInTag('a') })
  const [again] = await claimed()
  if (again !== undefined) await queue.settle({ claim: again, again: undefined })
  t.same(await rows('id'), [{ id: second }])
})

t.test('one that is due again at once waits for its turn', async t => {
  const { queue } = await setUp(t)
  const [first, second] = [randomRequestId(), randomRequestId()]
  await queue.add({ id: first, at: Date.now(), group: standInTag('a') })
  await queue.add({ id: second, at: Date.now(), group: standInTag('b') })
  const [claim] = (await queue.claim(1)) ?? []
  t.equal(claim?.id, first)
  if (claim !== undefined) await queue.settle({ claim, again: new Date() })
  t.equal((await queue.claim(1))?.[0]?.id, second)
})

t.test('of the times that come in one turn, the earliest wins', async t => {
  const { queue, claimed } = await setUp(t)
  const id = randomRequestId()
  const times = [HOUR_MS, 0, 2 * HOUR_MS]
  await Promise.all(
    times.map(inMs => queue.add({ id, at: Date.now() + inMs, group: standInTag('a') })),
  )
  t.equal((await claimed())[0]?.id, id)
})

t.test('all are told of what is due, and when the next is', async t => {
  const { queue, wokenTimes } = await setUp(t)
  t.equal(await queue.msUntilDue(), undefined)
  await queue.add({
    id: randomRequestId(),
    at: Date.now() + HOUR_MS,
    group: standInTag('a'),
  })
  await queue.add({
    id: randomRequestId(),
    at: Date.now() + 2 * HOUR_MS,
    group: standInTag('b'),
  })
  const dueMs = (await queue.msUntilDue()) ?? 0
  t.ok(dueMs > 0 && dueMs <= HOUR_MS)
  t.equal(wokenTimes(), 0)
  await queue.add({ id: randomRequestId(), at: Date.now(), group: standInTag('c') })
  await until('all were told', () => wokenTimes() === 1)
  await queue.wake()
  await until('all were told', () => wokenTimes() === 2)
})

t.test('an entry that somebody cancelled by hand waits again', async t => {
  const { queue, database, claimed } = await setUp(t)
  const id = randomRequestId()
  await queue.add({ id, at: Date.now(), group: standInTag('a') })
  await database.query(`UPDATE q.job SET state = 'cancelled', completed_on = now()`)
  t.same(await claimed(), [])
  await queue.add({ id, at: Date.now(), group: standInTag('a') })
  t.equal((await claimed())[0]?.id, id)
})

t.test('what is scheduled in one turn is one statement', async t => {
  const { queue, texts, rows } = await setUp(t)
  const ids = Array.from({ length: 500 }, () => randomRequestId())
  const addAll = () =>
    Promise.all(ids.map(id => queue.add({ id, at: Date.now(), group: standInTag(id) })))
  const counting = (part: string) => texts.filter(text => text.includes(part)).length
  await addAll()
  t.equal((await rows('id')).length, 500)
  t.equal(counting('json_to_recordset'), 1)
  texts.length = 0
  await addAll()
  t.equal(counting('json_to_recordset'), 1)
  t.equal(counting('is_late'), 1)
  // The sweep brings them all every few minutes.
  const versions = () => rows('id, xmin::text, xmax::text')
  const before = await versions()
  await addAll()
  t.same(await versions(), before, 'nothing is written')
})

t.test('a group that another process works on holds up nobody', async t => {
  const { connectionString } = await openTestDatabase(t)
  const busy = openScheduler(t, connectionString, 'line', { concurrency: 1 })
  const { scheduler } = openScheduler(t, connectionString, 'line', { concurrency: 2 })
  let begun = 0
  await busy.scheduler.start(async (_id, signal) => {
    begun += 1
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    return new Date(Date.now() + HOUR_MS)
  })
  for (let entry = 0; entry < 50; entry += 1)
    await scheduler.schedule(randomRequestId(), new Date(), standInTag('hung'))
  await until('the group is worked on', () => begun === 1)
  const others = Array.from({ length: 10 }, () => randomRequestId())
  for (const id of others) await scheduler.schedule(id, new Date(), standInTag(id))
  const called: string[] = []
  await scheduler.start(async id => {
    called.push(id)
    return undefined
  })
  await until('the others are called', () => others.every(id => called.includes(id)))
  t.same(called.toSorted(), others.toSorted())
})
