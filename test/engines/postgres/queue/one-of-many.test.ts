// One entry that is not as it should be, or that somebody keeps locked, among others.
import pg from 'pg'
import t, { type Test } from 'tap'

import type { RequestId } from '../../../../lib/request/request-id.ts'
import { randomRequestId, standInTag } from '../../../../lib/testing/engines/stand-ins.ts'
import { memoryLog } from '../../../support/memory-log.ts'
import { openScheduler } from '../../../support/pg-boss/open-schedulers.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'
import { until } from '../../../support/until.ts'

const HOUR_MS = 60 * 60 * 1000
/** The last moment a Date can hold, and the first. */
const END_MS = 8_640_000_000_000_000

const newId = randomRequestId
const newIds = (length: number) => Array.from({ length }, newId)

/** One database for all, which run side by side. */
const { connectionString } = await openTestDatabase(t)
t.jobs = 6

async function open(t: Test, schema: string) {
  const logger = memoryLog()
  const { scheduler, database } = openScheduler(t, connectionString, schema, { logger })
  const stranger = new pg.Client({ connectionString })
  await stranger.connect()
  t.teardown(() => stranger.end())
  const schedule = (id: RequestId, at: Date | number = Date.now()) =>
    scheduler.schedule(id, new Date(at), standInTag(id))
  return { scheduler, database, logger, stranger, schedule }
}

void t.test(
  'a time that is none, or is out of range, delays nobody else',
  { buffered: true },
  async t => {
    const { scheduler, schedule, database } = await open(t, 'times')
    const ids = newIds(20)
    const odd = { future: newId(), past: newId(), none: newId() }
    await Promise.all([
      schedule(odd.future, END_MS),
      schedule(odd.past, -END_MS),
      schedule(odd.none, NaN),
      ...ids.map(id => schedule(id)),
    ])
    const called: string[] = []
    await scheduler.start(async id => {
      called.push(id)
      if (id === odd.past) return new Date(END_MS)
      if (id === odd.none && called.filter(other => other === id).length < 3)
        return new Date(NaN)
      return undefined
    })
    await until('all are called', () =>
      [...ids, odd.past].every(id => called.includes(id)),
    )
    await until('what is due at no time is due now', async () => {
      const { rows } = await database.query<{ id: string }>(
        'SELECT id FROM times_queue.job',
      )
      return rows.length === 2
    })
    t.equal(called.filter(id => id === odd.none).length, 3)
    t.equal(called.filter(id => id === odd.past).length, 1, 'it waits')
    t.notOk(called.includes(odd.future), 'it waits')
    // Again, by a sweep that brings all of them.
    const again = newIds(3)
    await Promise.all([schedule(odd.past, END_MS), ...again.map(id => schedule(id))])
    await until('all are called', () => again.every(id => called.includes(id)))
    await schedule(odd.future)
    await until('it is called', () => called.includes(odd.future))
  },
)

void t.test(
  'infinite times in the table hold nobody up, and are brought forward',
  { buffered: true },
  async t => {
    const { scheduler, schedule, stranger } = await open(t, 'infinite')
    const [late, early, other] = [newId(), newId(), newId()]
    for (const id of [late, early, other]) await schedule(id)
    const set = (id: string, values: string) =>
      stranger.query(`UPDATE infinite_queue.job SET ${values} WHERE id = $1`, [id])
    await set(late, `start_after = 'infinity', created_on = 'infinity'`)
    await set(early, `start_after = '-infinity', created_on = '-infinity'`)
    const called: string[] = []
    await scheduler.start(async id => {
      called.push(id)
      return undefined
    })
    await until('those that are due are called', () =>
      [early, other].every(id => called.includes(id)),
    )
    await schedule(late)
    await until('it is called', () => called.includes(late))
    await until('all are finished', async () => {
      const { rows } = await stranger.query('SELECT id FROM infinite_queue.job')
      return rows.length === 0
    })
    t.same(called.toSorted(), [late, early, other].toSorted())
  },
)

void t.test('an id that is none is refused alone', { buffered: true }, async t => {
  const { schedule, database } = await open(t, 'ids')
  const ids = newIds(5)
  const [refusal, ...done] = await Promise.allSettled([
    schedule('not an id' as string as RequestId),
    ...ids.map(id => schedule(id)),
  ])
  t.equal(refusal.status, 'rejected')
  t.ok(done.every(({ status }) => status === 'fulfilled'))
  const { rows } = await database.query('SELECT id FROM ids_queue.job')
  t.equal(rows.length, 5)
})

void t.test(
  'an entry that somebody keeps locked holds up only itself',
  { buffered: true },
  async t => {
    const { scheduler, schedule, stranger, logger } = await open(t, 'locked')
    const [locked, waiting] = [newId(), newId()]
    await schedule(waiting, Date.now() + HOUR_MS)
    let goOn = () => {}
    const gate = new Promise<void>(resolve => (goOn = resolve))
    const called: string[] = []
    await scheduler.start(async id => {
      called.push(id)
      if (id === locked) await gate
      return undefined
    })
    await schedule(locked)
    await until('work began', () => called.includes(locked))
    await stranger.query('BEGIN; SELECT FROM locked_queue.job FOR UPDATE')
    let isBroughtForward = false
    const bringing = schedule(waiting).then(() => (isBroughtForward = true))
    goOn()
    await until('its result cannot be stored', () =>
      logger.lines.some(({ level }) => level === 'error'),
    )
    const ids = newIds(10)
    await Promise.all(ids.map(id => schedule(id)))
    await until('all others are called', () => ids.every(id => called.includes(id)))
    t.notOk(isBroughtForward)
    t.match(logger.lines.find(({ level }) => level === 'error')?.fields, {
      requestId: locked,
      code: '55P03',
    })
    await stranger.query('ROLLBACK')
    await bringing
    await until('it is called', () => called.includes(waiting))
    await until('all are finished', async () => {
      const { rows } = await stranger.query('SELECT id FROM locked_queue.job')
      return rows.length === 0
    })
    t.equal(called.filter(id => id === locked).length, 1)
  },
)

void t.test(
  'a result that cannot be stored is sent ever less often, and told',
  { buffered: true },
  async t => {
    const { scheduler, schedule, stranger, logger } = await open(t, 'refused')
    const [refused, other] = [newId(), newId()]
    let goOn = () => {}
    const gate = new Promise<void>(resolve => (goOn = resolve))
    const called: string[] = []
    await scheduler.start(async id => {
      called.push(id)
      if (id === refused) await gate
      return undefined
    })
    await schedule(refused)
    await until('work began', () => called.includes(refused))
    await stranger.query(`
    CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '22000'; END $$;
    CREATE TRIGGER refuse BEFORE DELETE ON refused_queue.job_common FOR EACH ROW
      WHEN (OLD.id = '${refused}') EXECUTE FUNCTION public.refuse()`)
    goOn()
    await schedule(other)
    const waits = () =>
      logger.lines.filter(({ level }) => level === 'error').map(({ fields }) => fields)
    await until('it has been sent three times', () => waits().length >= 3)
    t.same(
      waits().map(fields => [fields['requestId'], fields['code'], fields['againMs']]),
      [1000, 2000, 4000].map(ms => [refused, '22000', ms]),
    )
    await until('the other is finished', async () => {
      const { rows } = await stranger.query('SELECT id FROM refused_queue.job')
      return rows.length === 1
    })
    await stranger.query('DROP TRIGGER refuse ON refused_queue.job_common')
    await until('it is stored once it can be', async () => {
      const { rows } = await stranger.query('SELECT id FROM refused_queue.job')
      return rows.length === 0
    })
    t.same(called, [refused, other])
  },
)

const ahead =
  'what a dead process left while the clock of the database was years ahead is taken over'
void t.test(ahead, { buffered: true }, async t => {
  const dead = await open(t, 'ahead')
  const id = newId()
  await dead.schedule(id)
  const claimed = new Set<string>()
  await dead.scheduler.start(async (id, signal) => {
    claimed.add(id)
    await new Promise(resolve => signal.addEventListener('abort', resolve))
    return new Date()
  })
  await until('work began', () => claimed.has(id))
  await dead.scheduler.close()
  const { stranger } = dead
  await stranger.query(`
    UPDATE ahead_queue.job SET state = 'active', heartbeat_on = now() + interval '70 years',
      started_on = now() + interval '70 years', start_after = now() + interval '70 years';
    UPDATE ahead_queue.queue SET monitor_claim_on = now() + interval '70 years',
      monitor_on = now() + interval '70 years', maintain_on = now() + interval '70 years'`)
  const { scheduler } = openScheduler(t, connectionString, 'ahead')
  const called: string[] = []
  await scheduler.start(async id => {
    called.push(id)
    return undefined
  })
  await until('the lease ends some day', async () => {
    const { rows } = await stranger.query(
      `SELECT FROM ahead_queue.job WHERE heartbeat_on <= now()`,
    )
    return rows.length === 1
  })
  await stranger.query(
    `UPDATE ahead_queue.job SET heartbeat_on = now() - interval '1 hour'`,
  )
  await until('it is called', () => called.includes(id))
})
