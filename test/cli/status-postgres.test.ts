import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import { openDatabase } from '../../lib/engines/postgres/connection/database.ts'
import { postgresEngine } from '../../lib/engines/postgres/postgres-engine.ts'
import { ensureRegistration } from '../../lib/registration/registration-file.ts'
import { openTestDatabase } from '../support/postgres/open-database.ts'
import { runProgram } from '../support/program.ts'

const cli = (args: string[], env: Record<string, string>) =>
  runProgram('lib/cli/main.ts', args, { env })

t.test('status reads a PostgreSQL database beside those who write it', async t => {
  const { connectionString } = await openTestDatabase(t)
  const directory = t.testdir()
  const env = { DATA_DIR: directory, DATABASE_URL: connectionString }
  writeFileSync(join(directory, 'erasure.key'), randomBytes(32), { mode: 0o600 })
  const early = await cli(['status', '--postgres'], env)
  t.match(early, { code: 2, stderr: /there are no tables/ })
  const database = openDatabase({ connectionString })
  t.teardown(() => database.close())
  const schemas = "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%erasure%'"
  t.same((await database.query(schemas)).rows, [], 'nothing was made')

  const erasure = await createErasure({
    registration: await ensureRegistration(join(directory, 'registration.yaml')),
    key: join(directory, 'erasure.key'),
    ...postgresEngine({ connectionString, schema: 'irc_bridge' }),
  })
  t.teardown(() => erasure.close())
  const { requestId } = await erasure.accept('@bob:example.org')
  const args = ['status', '--postgres', '--schema', 'irc_bridge']
  const { code, stdout } = await cli([...args, '--json'], env)
  t.equal(code, 0)
  t.match(JSON.parse(stdout), { counts: { accepted: 1 }, open: [{ requestId }] })
  t.match(await cli([...args, requestId], env), { code: 0, stdout: /accepted/ })

  t.match(await cli(['status', '--schema', 'x'], env), {
    code: 2,
    stderr: /--schema only goes with --postgres/,
  })
  t.match(await cli(['status', '--postgres'], { ...env, DATABASE_URL: '' }), {
    code: 2,
    stderr: /DATABASE_URL/,
  })
  await database.query('INSERT INTO irc_bridge.erasure_migration VALUES (999)')
  t.match(await cli(args, env), { code: 2, stderr: /newer version/ })
})
