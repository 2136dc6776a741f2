// As many erased accounts as the largest homeservers have.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import t from 'tap'

import { Line } from '../../../lib/sources/synapse-postgres/line.ts'
import { listErased } from '../../../lib/sources/synapse-postgres/erased-users.ts'
import { openSynapseTables } from '../../support/postgres/synapse-tables.ts'

const USERS = 200_000

t.setTimeout(300_000)
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What is reachable, without what is only not collected yet. */
function heapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

t.test('a list of 200,000 is read in pages, in little memory', async t => {
  t.setTimeout(300_000)
  const { admin, connectionString } = await openSynapseTables(t, { trigger: false })
  await admin.query(
    `INSERT INTO erased_users
     SELECT '@' || md5(i::text) || ':example.org' FROM generate_series(1, ${USERS}) AS i`,
  )
  const line = await Line.open(connectionString, new AbortController().signal)
  t.teardown(() => line.close())
  const before = heapBytes()
  let [count, most, last] = [0, 0, '']
  for await (const { userId } of listErased(line, 'example.org')) {
    if (userId === last) t.fail('twice')
    last = userId
    count += 1
    if (count % 20_000 === 0) most = Math.max(most, heapBytes() - before)
  }
  t.equal(count, USERS)
  t.ok(most < 8 * 1024 * 1024, `${Math.round(most / 1024)} KiB`)
})

t.test('nobody is missed while the rows around them come and go', async t => {
  const { admin, connectionString } = await openSynapseTables(t, { trigger: false })
  const fill = (from: number, to: number) =>
    admin.query(
      `INSERT INTO erased_users
       SELECT '@u' || lpad(i::text, 7, '0') || ':example.org'
       FROM generate_series(${from}, ${to}) AS i`,
    )
  await fill(1, 20_000)
  const line = await Line.open(connectionString, new AbortController().signal)
  t.teardown(() => line.close())
  const found: string[] = []
  for await (const { userId } of listErased(line, 'example.org')) {
    if (found.push(userId) !== 5000) continue
    await admin.query("DELETE FROM erased_users WHERE user_id < '@u0004000'")
    await fill(20_001, 20_010)
  }
  t.equal(new Set(found).size, 20_010)
})

t.test('nothing can be written', async t => {
  const { admin, connectionString } = await openSynapseTables(t, { trigger: false })
  const url = new URL(connectionString)
  await admin.query(`GRANT ALL ON erased_users TO ${url.username}`)
  const line = await Line.open(connectionString, new AbortController().signal)
  t.teardown(() => line.close())
  await t.rejects(line.read('DELETE FROM erased_users', []), {
    code: 'SOURCE_UNREACHABLE',
    message: /25006/,
  })
  t.ok(line.isLost)
})
