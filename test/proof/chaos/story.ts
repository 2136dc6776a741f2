import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import pg from 'pg'
import type { Test } from 'tap'

import { createErasure } from '../../../lib/core/create-erasure.ts'
import { postgresEngine } from '../../../lib/engines/postgres/postgres-engine.ts'
import type { ErasureStatus } from '../../../lib/core/read-status.ts'
import { REGISTRATION } from '../../support/open-erasure.ts'
import { openTestServer, type TestServer } from '../../support/postgres/server.ts'
import { sleep } from './faults.ts'
import { CHAOS_KEY, type Host, makeHost } from './host.ts'
import { progressWatch } from './progress-watch.ts'
import { ITEMS_EACH, itemsLeft, type PeopleOptions, plant } from './people.ts'

/** The shortest there is, so that the tests take no longer than they must. */
export const LEASE_MS = 10_000
const QUEUE = 'matrix_appservice_erasure_queue'
/** Victims have clocks that are apart by an hour; the last one can do the work of all of them. */
const HOSTS = [
  { clockShiftMs: -30 * 60_000, concurrency: 12 },
  { clockShiftMs: 30 * 60_000, concurrency: 12 },
  { clockShiftMs: 0, concurrency: 12 },
  { clockShiftMs: 12_345, concurrency: 48 },
]
const VICTIMS = HOSTS.slice(0, -1)
/** As many users as the victims work on at a time. */
export const HELD: number = VICTIMS.reduce((sum, { concurrency }) => sum + concurrency, 0)

/** Several processes on one database, and the people in their care. */
export interface Story {
  readonly server: TestServer
  readonly hosts: readonly Host[]
  /** Those that meet one fault of each kind: all but the last. */
  readonly victims: readonly Host[]
  readonly people: PeopleOptions
}

/** Starts all but the last host, and has everything removed when the test ends. */
export async function openStory(t: Test, users: number): Promise<Story> {
  const server = await openTestServer(t)
  const directory = t.testdir()
  const folder = join(directory, 'people')
  mkdirSync(folder)
  const people = { connectionString: server.connectionString, folder }
  await plant(people, users)
  const compileCache = join(directory, 'compile-cache')
  const hosts: Host[] = []
  t.teardown(() => Promise.all(hosts.map(host => host.remove())))
  for (const [index, host] of HOSTS.entries()) {
    const name = `host ${index}`
    const place = { connectionString: server.connectionString, folder, compileCache }
    hosts.push(await makeHost({ ...place, ...host, name, leaseMs: LEASE_MS }))
  }
  // The first one alone fills the compile cache; the others come up at the same time.
  await hosts[0]?.start()
  const victims = hosts.slice(0, VICTIMS.length)
  await Promise.all(victims.slice(1).map(host => host.start()))
  return { server, hosts, victims, people }
}

/**
 * Waits until no request is open any more, however long that takes, as long as there are fewer and
 * fewer of them.
 *
 * @param patienceMs - when to give up if none is finished
 */
export async function untilFinished(
  { server }: Story,
  patienceMs: number,
): Promise<ErasureStatus> {
  const { connectionString } = server
  const erasure = await createErasure({
    registration: REGISTRATION,
    key: CHAOS_KEY,
    ...postgresEngine({ connectionString }),
  })
  const isStuck = progressWatch(patienceMs)
  try {
    for (;;) {
      const status = await erasure.status()
      if (status.open.length === 0 || isStuck(status.open.length)) return status
      await sleep(250)
    }
  } finally {
    await erasure.close()
  }
}

/**
 * How many requests pg-boss still has, where there should be none. The last ones go a moment
 * after the store has no open request any more.
 */
export async function queueLength(
  { server }: Story,
  patienceMs: number,
): Promise<number> {
  const client = new pg.Client(server)
  await client.connect()
  const text = `SELECT count(*)::int AS n FROM ${QUEUE}.job WHERE name = 'erasure_requests'`
  const isStuck = progressWatch(patienceMs)
  try {
    for (;;) {
      const { rows } = await client.query<{ n: number }>(text)
      const length = rows[0]?.n ?? Number.NaN
      if (length === 0 || isStuck(length)) return length
      await sleep(250)
    }
  } finally {
    await client.end()
  }
}

/** Of whom something is left though it should not be, and the other way round. */
export async function wronglyLeft(
  { people }: Story,
  users: number,
  promised: ReadonlySet<number>,
): Promise<string[]> {
  const left = await itemsLeft(people)
  const wrong: string[] = []
  for (let user = 0; user < users; user += 1) {
    const count = left.get(user) ?? 0
    if (promised.has(user) && count > 0)
      wrong.push(`user ${user} has ${count} items left`)
    if (!promised.has(user) && count !== ITEMS_EACH) {
      wrong.push(`user ${user}, whom nobody asked for, has ${count} items`)
    }
  }
  return wrong
}
