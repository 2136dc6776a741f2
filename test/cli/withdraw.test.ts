import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { runCli } from '../../lib/cli/run-cli.ts'
import { createErasure } from '../../lib/core/create-erasure.ts'
import { openDatabase } from '../../lib/engines/postgres/connection/database.ts'
import { postgresEngine } from '../../lib/engines/postgres/postgres-engine.ts'
import { postgresStore } from '../../lib/engines/postgres/store/postgres-store.ts'
import { sqliteStore } from '../../lib/engines/sqlite/sqlite-store.ts'
import { acceptInGrace } from '../support/accept-in-grace.ts'
import { REGISTRATION } from '../support/open-erasure.ts'
import { openTestDatabase } from '../support/postgres/open-database.ts'

const bob = '@bob:example.org'
const HOUR_MS = 3_600_000

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
  t.match(await cli(['withdraw', mistaken], env), {
    code: 2,
    stdout: '',
    stderr: /erasure\.db: the application service is running; stop it first/,
  })
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
