import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { createErasure } from '../../lib/core/create-erasure.ts'
import { postgresEngine } from '../../lib/engines/postgres/postgres-engine.ts'
import { ListSource } from '../support/list-source.ts'
import { openTestDatabase } from '../support/postgres/open-database.ts'
import { REGISTRATION } from '../support/open-erasure.ts'
import { runProgram } from '../support/program.ts'
import { until } from '../support/until.ts'

const bob = '@bob:example.org'
const carol = '@carol:example.org'

t.test(
  'on PostgreSQL, an erasure is accepted once, and an operator gives the word',
  async t => {
    const { connectionString } = await openTestDatabase(t)
    const directory = t.testdir()
    const key = join(directory, 'erasure.key')
    writeFileSync(key, randomBytes(32), { mode: 0o600 })
    const purged: string[] = []
    const open = async (source: ListSource) => {
      const erasure = await createErasure({
        registration: REGISTRATION,
        key,
        ...postgresEngine({ connectionString, drainMs: 500 }),
        sources: [source],
        settleMs: 0,
      })
      t.teardown(() => erasure.close())
      erasure.onUserErase('messages', async ({ userId }) => void purged.push(userId))
      await erasure.start()
      await until('the source watches', () => source.isWatching)
      return erasure
    }
    const source = new ListSource({ maxPerScan: 1 })
    const erasure = await open(source)
    await source.scan()
    source.set('erased', bob, carol)
    await source.scan()
    t.match(await erasure.status(), {
      sources: [{ code: 'SOURCE_HELD_BACK', heldBack: 2 }],
    })
    const env = { DATA_DIR: directory, DATABASE_URL: connectionString }
    const allow = ['sources', 'allow', 'test', '--postgres']
    t.match(await runProgram('lib/cli/main.ts', allow, { env }), { code: 0, stderr: '' })
    await source.scan()
    await source.scan()
    await until(
      'both are erased',
      async () => (await erasure.status()).counts.erased === 2,
    )
    t.same(purged.toSorted(), [bob, carol])
    source.set('present', bob)
    await source.scan()
    t.notOk(await erasure.isErased(bob))
    await erasure.close()

    const again = new ListSource()
    again.set('erased', bob, carol)
    const second = await open(again)
    await again.scan()
    await until('one is erased', async () => (await second.status()).counts.erased === 3)
    t.same(purged.toSorted(), [bob, bob, carol], 'bob again, who had come back')
    await second.close()
  },
)
