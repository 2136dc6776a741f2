import t from 'tap'

import { synapsePostgres } from '../../../lib/sources/synapse-postgres/synapse-postgres.ts'
import type { SynapsePostgresOptions } from '../../../lib/sources/synapse-postgres/synapse-postgres-options.ts'

const GOOD = {
  connectionString: 'postgres://me:tortoise@db/synapse',
  serverName: 'hs.test',
}

t.test('takes the name, and the rules for the SDK', async t => {
  t.match(synapsePostgres(GOOD), { name: 'synapse-postgres', rules: {} })
  const source = synapsePostgres({ ...GOOD, name: 'other', graceMs: 5, maxPerScan: 7 })
  t.equal(source.name, 'other')
  t.same(source.rules, { graceMs: 5, maxPerScan: 7 })
})

t.test('refuses what is wrong, without its value', async t => {
  const wrong: ReadonlyArray<readonly [object, RegExp]> = [
    [{ connectionString: undefined }, /`connectionString`/],
    [{ connectionString: 'db:tortoise' }, /`connectionString`/],
    [{ connectionString: 'postgres://me:tort oise@:x/' }, /`connectionString`/],
    [{ serverName: undefined }, /`serverName`/],
    [{ serverName: 'tortoise/' }, /`serverName`/],
    [{ intervalMs: 0 }, /`intervalMs`/],
    [{ intervalMs: 'tortoise' }, /`intervalMs`/],
    [{ interval: 'tortoise' }, /Unknown option `interval`/],
  ]
  for (const [change, message] of wrong) {
    const options = { ...GOOD, ...change } as SynapsePostgresOptions
    t.throws(() => synapsePostgres(options), { name: 'TypeError', message })
    try {
      synapsePostgres(options)
    } catch (error) {
      t.notMatch(String(error), 'tortoise')
    }
  }
})
