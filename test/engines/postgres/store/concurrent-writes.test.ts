// Two pools of connections are two processes to PostgreSQL: neither knows of the other's batches.
import t, { type Test } from 'tap'

import { openDatabase } from '../../../../lib/engines/postgres/connection/database.ts'
import type { StoreAdapter } from '../../../../lib/store/adapter.ts'
import { postgresStore } from '../../../../lib/engines/postgres/store/postgres-store.ts'
import { openTestDatabase } from '../../../support/postgres/open-database.ts'

type Store = StoreAdapter &
  Required<Pick<StoreAdapter, 'writeIf' | 'setMany' | 'has' | 'disconnect'>>

async function open(t: Test, count: number): Promise<Store[]> {
  const { connectionString } = await openTestDatabase(t)
  const stores = Array.from({ length: count }, () =>
    postgresStore({ database: openDatabase({ connectionString, maxConnections: 3 }) }),
  ) as Store[]
  t.teardown(() => Promise.all(stores.map(store => store.disconnect())))
  await Promise.all(stores.map(store => store.get('warm')))
  return stores
}

const increment = (key: string, value: string) => ({
  expected: { key, value },
  set: [{ key, value: String(Number(value) + 1) }],
  delete: [],
})

t.test('of many writers that have seen the same, exactly one writes', async t => {
  const stores = await open(t, 4)
  await stores[0]?.set('counter', '0')
  for (let round = 0; round < 200; round += 1) {
    const write = increment('counter', String(round))
    const answers = await Promise.all(
      stores.flatMap(store => [store.writeIf(write), store.writeIf(write)]),
    )
    if (answers.filter(Boolean).length !== 1) {
      t.same(answers, [], `in round ${round} not exactly one wrote`)
      return
    }
  }
  t.equal(await stores[0]?.get('counter'), '200')
})

t.test('counting up by reading and conditional writing loses no step', async t => {
  const stores = await open(t, 3)
  await stores[0]?.set('counter', '0')
  let steps = 0
  await Promise.all(
    [...stores, ...stores].map(async store => {
      for (let done = 0; done < 40;) {
        const seen = String(await store.get('counter'))
        if (!(await store.writeIf(increment('counter', seen)))) continue
        done += 1
        steps += 1
      }
    }),
  )
  t.equal(await stores[0]?.get('counter'), String(steps))
})

t.test('of many who make a document that must not exist, exactly one does', async t => {
  const stores = await open(t, 4)
  for (let round = 0; round < 100; round += 1) {
    const key = `new-${round}`
    const answers = await Promise.all(
      stores.flatMap((store, index) => [
        store.writeIf({
          expected: { key, value: undefined },
          set: [
            { key, value: `by ${index}` },
            { key: `${key}-mark-${index}`, value: 'x' },
          ],
          delete: [],
        }),
        store.set(`other-${round}-${index}`, 'plain writes share the statement'),
      ]),
    )
    const winners = stores.flatMap((_, index) => (answers[2 * index] ? [index] : []))
    const marks = await Promise.all(
      stores.map((store, index) => store.has(`${key}-mark-${index}`)),
    )
    const marked = stores.flatMap((_, index) => (marks[index] ? [index] : []))
    if (winners.length !== 1 || marked[0] !== winners[0] || marked.length !== 1) {
      t.same({ winners, marked }, {}, `round ${round}`)
      return
    }
    if ((await stores[0]?.get(key)) !== `by ${winners[0]}`) t.fail(`round ${round}`)
  }
})

t.test('of many who delete a document, one is told that it was there', async t => {
  const stores = await open(t, 4)
  for (let round = 0; round < 100; round += 1) {
    await stores[0]?.set('a', '1')
    const answers = await Promise.all(stores.map(store => store.delete('a')))
    if (answers.filter(Boolean).length !== 1) t.same(answers, [], `round ${round}`)
  }
})

/** How often PostgreSQL had to sacrifice a transaction, as far as it has counted. */
async function deadlocks(connectionString: string): Promise<number> {
  const database = openDatabase({ connectionString })
  // A session counts when it ends, at the latest.
  const { rows } = await database.query<{ deadlocks: string }>(
    'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
  )
  await database.close()
  return Number(rows[0]?.deadlocks)
}

const KEYS = Array.from({ length: 12 }, (_, index) => `key-${index}`)
const half = () =>
  KEYS.filter(() => Math.random() < 0.5).toSorted(() => Math.random() - 0.5)

/** Sets, conditional writes and, if `deletes`, deletions of overlapping halves of the keys. */
async function scramble(store: Store, rounds: number, deletes: boolean): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    const set = half().map(key => ({ key, value: String(round) }))
    const [first] = set
    const seen = first && (await store.get<string>(first.key))
    await Promise.all([
      store.setMany(half().map(key => ({ key, value: 'x' })) as never),
      deletes && store.deleteMany?.(half()),
      first &&
        store.writeIf({
          expected: { key: first.key, value: seen as string | undefined },
          set,
          delete: deletes ? half().filter(key => !set.some(s => s.key === key)) : [],
        }),
    ])
  }
}

t.test('writes of the same documents in all orders do not wait in a circle', async t => {
  const { connectionString } = await openTestDatabase(t)
  const stores = [0, 1].map(() =>
    postgresStore({ database: openDatabase({ connectionString }) }),
  ) as [Store, Store]
  await stores[0].setMany(KEYS.map(key => ({ key, value: '0' })) as never)
  await Promise.all([...stores, ...stores].map(store => scramble(store, 300, false)))
  await Promise.all(stores.map(store => store.disconnect()))
  t.equal(await deadlocks(connectionString), 0)
})

t.test('nor do they fail if they do, when documents come and go meanwhile', async t => {
  const stores = await open(t, 2)
  await Promise.all(stores.map(store => scramble(store, 15, true)))
  t.equal(await stores[0]?.set('a', '1'), true)
})
