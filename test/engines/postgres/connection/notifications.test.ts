import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import t, { type Test } from 'tap'

import {
  type Database,
  openDatabase,
} from '../../../../lib/engines/postgres/connection/database.ts'
import { fakeClock } from '../../../support/fake-clock.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'

/** Listens, and keeps what it is told. */
async function listenTo(database: Database) {
  const heard: string[] = []
  let reconnects = 0
  const stop = await database.subscribe(
    'Channel "one"',
    payload => heard.push(payload),
    () => (reconnects += 1),
  )
  return { heard, stop, reconnects: () => reconnects }
}

const notify = (database: Database, payload: string) =>
  database.query('SELECT pg_notify($1, $2)', ['Channel "one"', payload])

async function until(condition: () => unknown): Promise<void> {
  while (!(await condition())) await sleep(5)
}

/** A way to the database that can swallow everything, as a network does that drops packets. */
async function openHole(t: Test, connectionString: string) {
  const url = new URL(connectionString)
  const { hostname } = url
  const port = Number(url.port || 5432)
  let isOpen = true
  const sockets = new Set<Socket>()
  // Not even the end of a connection gets through.
  const server = createServer({ allowHalfOpen: true }, client => {
    const upstream = connect({ port, host: hostname, allowHalfOpen: true })
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', data => isOpen && to.write(data))
      from.on('end', () => isOpen && to.end())
      from.on('error', () => {})
      from.on('close', () => isOpen && to.destroy())
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  url.host = `127.0.0.1:${(server.address() as { port: number }).port}`
  return { connectionString: url.href, open: (open: boolean) => void (isOpen = open) }
}

t.test('hears what is notified, until it is stopped', async t => {
  const { connectionString } = await openTestDatabase(t)
  const database = openDatabase({ connectionString })
  t.teardown(() => database.close())
  const { heard, stop, reconnects } = await listenTo(database)
  await notify(database, 'one')
  await notify(database, '')
  await until(() => heard.length === 2)
  t.same(heard, ['one', ''])
  await stop()
  await stop()
  await notify(database, 'two')
  await sleep(50)
  t.equal(heard.length, 2)
  t.equal(reconnects(), 0)
})

t.test('comes back when its session is ended, and says so', async t => {
  const { connectionString } = await openTestDatabase(t)
  const database = openDatabase({ connectionString })
  t.teardown(() => database.close())
  const { heard, reconnects } = await listenTo(database)
  for (const times of [1, 2]) {
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    )
    await until(() => reconnects() === times)
    await notify(database, `after ${times}`)
    await until(() => heard.includes(`after ${times}`))
  }
  t.same(heard, ['after 1', 'after 2'])
})

t.test(
  'notices a network that swallows everything, and tries until it is back',
  async t => {
    const { connectionString } = await openTestDatabase(t)
    const hole = await openHole(t, connectionString)
    const clock = fakeClock()
    const database = openDatabase({
      connectionString: hole.connectionString,
      connectTimeoutMs: 2000,
      clock,
    })
    const direct = openDatabase({ connectionString })
    t.teardown(() => Promise.all([database.close(), direct.close()]))
    const { heard, reconnects } = await listenTo(database)
    await clock.advance(10_000)
    await sleep(50)
    t.equal(reconnects(), 0, 'an answered heartbeat changes nothing')
    hole.open(false)
    // The next heartbeat is sent, and not answered for five seconds; then it tries to connect.
    const back = sleep(6500).then(() => hole.open(true))
    await until(async () => {
      await clock.advance(1000)
      return reconnects() > 0
    })
    await back
    await notify(direct, 'back')
    await until(() => heard.includes('back'))
    t.same(heard, ['back'])
  },
)

t.test('closing the database ends it, also when nobody answers the goodbye', async t => {
  const { connectionString } = await openTestDatabase(t)
  const hole = await openHole(t, connectionString)
  const database = openDatabase({
    connectionString: hole.connectionString,
    connectTimeoutMs: 5000,
  })
  const { reconnects } = await listenTo(database)
  await database.query('SELECT 1')
  hole.open(false)
  await database.close()
  t.equal(reconnects(), 0)
})
