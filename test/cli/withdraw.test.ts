import { randomBytes } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { runCli } from '../../lib/cli/run-cli.ts'
import { createErasure } from '../../lib/core/create-erasure.ts'
import { openDatabase } from '../../lib/engines/postgres/connection/database.ts'
import { postgresEngine } from '../../lib/engines/postgres/postgres-engine.ts'
import { postgresStore } from '../../lib/engines/postgres/store/postgres-store.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { acceptInGrace } from '../support/accept-in-grace.ts'
import { fakeClock } from '../support/fake-clock.ts'
import { REGISTRATION } from '../support/open-erasure.ts'
import { openTestDatabase } from '../support/postgres/open-database.ts'
import { until } from '../support/until.ts'

const bob = '@bob:example.org'
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

async function cli(args: string[], env: Record<string, string>) {
  const written = { stdout: '', stderr: '' }
  const stdout = { write: (text: string) => (written.stdout += text) }
  const stderr = { write: (text: string) => (written.stderr += text) }
  const code = await runCli(args, env, { stdin: process.stdin, stdout, stderr })
  return { code, ...written }
}

t.test('withdraw gives up a request that waits, while the bridge is stopped', async t => {
  const directory = t.testdir()
  const env = { DATA_DIR: directory }
  const path = join(directory, 'erasure.db')
  const key = randomBytes(32)
  writeFileSync(join(directory, 'erasure.key'), key, { mode: 0o600 })
  t.match(await cli(['withdraw', 'x'], env), { code: 2, stderr: /no such database/ })
  t.match(await cli(['status'], env), { code: 2 }, 'none was made')

  const store = sqliteStore({ path })
  const erasure = await createErasure({ registration: REGISTRATION, key, store })
  const parts = { store, key }
  const mistaken = await acceptInGrace(bob, { graceMs: HOUR_MS }, parts)
  const { requestId: meant } = await erasure.accept('@al:example.org')
  const shown = await cli(['status', mistaken], env)
  t.match(shown.stdout, / waiting .* starts 20.* due /)
  await erasure.close()

  t.match(await cli(['withdraw', mistaken], env), {
    code: 0,
    stdout: `${mistaken}: withdrawn; nothing was erased\n`,
  })
  t.match(await cli(['status', mistaken], env), { code: 0, stdout: /withdrawn/ })
  const cases: ReadonlyArray<readonly [string[], RegExp]> = [
    [[], /expected a request id/],
    [[mistaken], /No open request has this id/],
    [[bob], /No open request has this id/],
    [[meant], /only a request that `status` shows as waiting can be withdrawn/],
    [[meant, meant], /too many arguments/],
    [[meant, '--schema', 'x'], /--schema only goes with --postgres/],
  ]
  for (const [args, line] of cases) {
    const ended = await cli(['withdraw', ...args], env)
    t.match(ended, { code: 2, stdout: '', stderr: line }, args.join(' '))
    t.notMatch(ended.stderr, /bob/)
  }
  writeFileSync(join(directory, 'erasure.key'), randomBytes(32))
  t.match(await cli(['withdraw', meant], env), { code: 2, stderr: /wrong key/ })
})

t.test('withdraw leaves word for a bridge that runs', async t => {
  const directory = t.testdir()
  const env = { DATA_DIR: directory }
  const key = randomBytes(32)
  writeFileSync(join(directory, 'erasure.key'), key, { mode: 0o600 })
  const clock = fakeClock()
  const store = sqliteStore({ path: join(directory, 'erasure.db'), clock })
  const options = { registration: REGISTRATION, key, store, clock, settleMs: 0 }
  const erasure = await createErasure(options)
  t.teardown(() => erasure.close())
  const called: string[] = []
  erasure.onUserErase('messages', async ({ requestId }) => {
    called.push(requestId)
    throw new Error('not today')
  })
  await erasure.start()
  const parts = { store, key, clock }
  const accept = (graceMs: number) => acceptInGrace(bob, { graceMs }, parts)
  const counts = async () => (await erasure.status()).counts
  const isErased = () => erasure.isErased(bob)
  const [soon, late] = [await accept(MINUTE_MS), await accept(HOUR_MS)]
  for (const requestId of [soon, late]) {
    t.match(await cli(['withdraw', requestId], env), {
      code: 0,
      stdout: new RegExp(`^${requestId}: the application service withdraws it`),
    })
  }
  t.match(await counts(), { waiting: 2 }, 'not yet')
  await erasure.retry(soon)
  await clock.advance(0)
  await until('one is withdrawn', async () => (await counts()).withdrawn === 1)
  t.match(await counts(), { waiting: 1 }, 'before a handler could be called')
  await clock.advance(5 * MINUTE_MS)
  await until('the sweep has withdrawn the other', async () => !(await isErased()))
  t.match(await counts(), { waiting: 0, withdrawn: 2 })

  const { requestId: meant } = await erasure.accept(bob)
  await until('it has begun', () => called.length > 0)
  const refused = { code: 2, stderr: /only a request that `status` shows as waiting/ }
  t.match(await cli(['withdraw', meant], env), refused)
  const lost = await accept(HOUR_MS)
  await cli(['withdraw', lost], env)
  await erasure.withdraw(lost)
  const words = async () => {
    const found: unknown[] = readdirSync(directory).filter(name => /letter/.test(name))
    for await (const word of store.iterator?.('erasure:withdrawal') ?? [])
      found.push(word)
    return found.length
  }
  t.equal(await words(), 1)
  await until('the letter is taken in, and thrown away', async () => {
    await clock.advance(5 * MINUTE_MS)
    return (await words()) === 0
  })
  t.same([...new Set(called)], [meant])
})

t.test('withdraw in PostgreSQL works beside those who write it', async t => {
  const { connectionString } = await openTestDatabase(t)
  const directory = t.testdir()
  const env = { DATA_DIR: directory, DATABASE_URL: connectionString }
  const key = randomBytes(32)
  writeFileSync(join(directory, 'erasure.key'), key, { mode: 0o600 })
  const early = await cli(['withdraw', 'x', '--postgres'], env)
  t.match(early, { code: 2, stderr: /there are no tables/ })
  const erasure = await createErasure({
    registration: REGISTRATION,
    key,
    ...postgresEngine({ connectionString }),
  })
  t.teardown(() => erasure.close())
  t.notOk(await erasure.isErased(bob))
  const store = postgresStore({ database: openDatabase({ connectionString }) })
  t.teardown(() => store.disconnect?.())
  const requestId = await acceptInGrace(bob, { graceMs: HOUR_MS }, { store, key })
  t.ok(await erasure.isErased(bob))
  const ended = await cli(['withdraw', requestId, '--postgres'], env)
  t.match(ended, { code: 0, stdout: /withdrawn/, stderr: '' })
  t.notOk(await erasure.isErased(bob))
  t.match((await erasure.status()).counts, { waiting: 0, withdrawn: 1 })
})
