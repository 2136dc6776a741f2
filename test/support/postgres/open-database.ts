import { randomBytes } from 'node:crypto'

import pg from 'pg'
import tap, { type Test } from 'tap'

import { startSharedServer, type TestServer } from './server.ts'

/** An empty database for a test. */
export interface TestDatabase {
  readonly connectionString: string
}

/** One server for all tests of a file. */
let started: Promise<TestServer> | undefined

/**
 * Makes an empty database that is dropped when the test ends: on the server that the environment
 * names in DATABASE_URL, else on one that is started for this test file. If neither can be had
 * the test fails.
 *
 * @param server - where to make it instead
 */
export async function openTestDatabase(
  t: Pick<Test, 'teardown'>,
  server?: string,
): Promise<TestDatabase> {
  const administrator = server ?? process.env['DATABASE_URL'] ?? (await ownServer())
  const name = `erasure_test_${randomBytes(8).toString('hex')}`
  await execute(administrator, `CREATE DATABASE ${name}`)
  // Whoever still is connected has not been closed by the test, which is not what it is about.
  t.teardown(() => execute(administrator, `DROP DATABASE ${name} WITH (FORCE)`))
  const url = new URL(administrator)
  url.pathname = `/${name}`
  return { connectionString: url.href }
}

async function ownServer(): Promise<string> {
  if (started === undefined) {
    started = startSharedServer()
    tap.teardown(async () => (await started)?.remove())
  }
  return (await started).connectionString
}

/** Runs a statement on a connection of its own. */
async function execute(connectionString: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
