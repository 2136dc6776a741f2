import t from 'tap'

import { type SourceHarness, sourceConformance } from '../../../lib/testing/index.ts'
import { synapsePostgres } from '../../../lib/sources/synapse-postgres/synapse-postgres.ts'
import { openSynapseTables } from '../../support/postgres/synapse-tables.ts'

async function open(): Promise<SourceHarness> {
  const endings: (() => unknown)[] = []
  const teardown = (ending: () => unknown) => void endings.push(ending)
  const tables = await openSynapseTables({ teardown } as never, { trigger: false })
  const { admin, role, grant, kick, erase, reactivate, connectionString } = tables
  const { pathname, password } = new URL(connectionString)
  const database = pathname.slice(1)
  const known = new Set<string>()
  let table = 'erased_users'
  return {
    source: synapsePostgres({
      connectionString,
      serverName: 'example.org',
      intervalMs: 200,
    }),
    serverName: 'example.org',
    secrets: [password, role],
    async setAccount(userId, state) {
      // The two tables say neither who is a ghost nor who exists.
      if (state === 'erased ghost' || state === 'unknown') throw new Error(state)
      if (state === 'erased') await erase(userId)
      else if (known.has(userId)) await reactivate(userId)
      known.add(userId)
    },
    async behave(how) {
      if (table !== 'erased_users')
        await admin.query(`ALTER TABLE ${table} RENAME TO erased_users`)
      table = 'erased_users'
      await admin.query(`ALTER DATABASE ${database} CONNECTION LIMIT -1; ${grant}`)
      if (how === 'SOURCE_UNREACHABLE') {
        await admin.query(`ALTER DATABASE ${database} CONNECTION LIMIT 0`)
        await kick()
      }
      if (how === 'SOURCE_FORBIDDEN')
        await admin.query(`REVOKE SELECT ON erased_users FROM ${role}`)
      if (how === 'SOURCE_INVALID') {
        table = 'something_else'
        await admin.query(`ALTER TABLE erased_users RENAME TO ${table}`)
      }
    },
    async remove() {
      for (const ending of endings.toReversed()) await ending()
    },
  }
}

t.test('synapsePostgres does what a source must do', async t => {
  t.jobs = 4
  for (const { title, run } of sourceConformance(open)) {
    void t.test(title, { buffered: true }, run)
  }
})
