import pg from 'pg'

import type { Figure } from '../support/figure.ts'
import { median } from '../support/median.ts'
import { print, printTable } from '../support/table.ts'
import { measureSharedAcknowledging } from './acknowledge/measure-shared.ts'
import { measureDrain } from './drain/measure-drain.ts'
import { measurePickUp } from './pick-up/measure-pick-up.ts'
import { openRedis } from './support/redis.ts'
import { openServer, type Server } from './support/server.ts'

/** Settings that decide what a commit costs, and how many may be under way. */
const SETTINGS = [
  'fsync',
  'synchronous_commit',
  'full_page_writes',
  'wal_sync_method',
  'shared_buffers',
  'max_connections',
  'autovacuum',
]
const COMMITS = 500

/** The SDK on PostgreSQL, in several processes. */
export async function measurePostgres(folder: string): Promise<Figure[]> {
  const server = await openServer(folder)
  const redis = await openRedis(folder)
  try {
    await printServer(server)
    return [
      ...(await measureSharedAcknowledging(server, redis)),
      ...(await measurePickUp(server)),
      ...(await measureDrain(server)),
    ]
  } finally {
    await redis?.close()
    await server.close()
  }
}

/** Prints what the figures were measured on. */
async function printServer(server: Server): Promise<void> {
  const names = SETTINGS.map(name => `'${name}'`).join(', ')
  const rows = await server.query(
    `SELECT name, current_setting(name) AS value FROM pg_settings
     WHERE name IN ('server_version', ${names}) ORDER BY name = 'server_version' DESC, name`,
  )
  const settings = rows.map(({ name, value }) => [String(name), String(value)])
  const commitUs = await measureCommit(server)
  printTable(
    'PostgreSQL',
    ['', ''],
    [
      ['server', server.origin],
      ...settings,
      ['one row committed over one connection', `${print(commitUs)} us`],
    ],
  )
}

/** What a commit costs that nobody shares, in microseconds: the fsync, and the way there. */
async function measureCommit(server: Server): Promise<number> {
  const connectionString = await server.createDatabase()
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query('CREATE TABLE commits (number int)')
  const costs: number[] = []
  for (let commit = 0; commit < COMMITS; commit += 1) {
    const startedAt = performance.now()
    await client.query('INSERT INTO commits VALUES ($1)', [commit])
    costs.push((performance.now() - startedAt) * 1000)
  }
  await client.end()
  await server.dropDatabase(connectionString)
  return median(costs)
}
