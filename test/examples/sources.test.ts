import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'

import type { Erasure } from 'matrix-appservice-erasure'
import t, { type Test } from 'tap'

import { openErasure as openSynapsePostgres } from '../../examples/sources/synapse-postgres.ts'
import { openErasure as openSynapse } from '../../examples/sources/synapse.ts'
import { openSynapseTables } from '../support/postgres/synapse-tables.ts'
import { until } from '../support/until.ts'

const BOB = '@bob:example.org'

/** Starts it with a handler; says whom that was called for. */
async function start(t: Test, erasure: Erasure): Promise<string[]> {
  t.teardown(() => erasure.close())
  const purged: string[] = []
  erasure.onUserErase('messages', {
    purge: async ({ userId }) => void purged.push(userId),
  })
  await erasure.start()
  return purged
}

t.test('examples/sources/synapse.ts erases whom Synapse counts as erased', async t => {
  const account = (localpart: string, erased: boolean) => ({
    name: `@${localpart}:example.org`,
    deactivated: true,
    erased,
  })
  const users = [account('alice', false), account('bob', true)]
  const server = createServer(({ headers, url = '' }, response) => {
    const { pathname } = new URL(url, 'http://localhost')
    if (headers.authorization !== 'Bearer of-an-admin') response.statusCode = 401
    else if (pathname === '/_synapse/admin/v3/users')
      response.write(JSON.stringify({ users, total: users.length }))
    else
      response.write(
        JSON.stringify(
          users.find(user => pathname.endsWith(encodeURIComponent(user.name))),
        ),
      )
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const folder = t.testdir()
  const file = join(folder, 'token')
  writeFileSync(file, 'of-an-admin\n')
  const erasure = await openSynapse(folder, {
    url: `http://127.0.0.1:${port}`,
    accessToken: { file },
    serverName: 'example.org',
  })
  const purged = await start(t, erasure)
  await until('Bob is erased', async () => (await erasure.status()).counts.erased === 1)
  t.same(purged, [BOB])
  t.match((await erasure.status()).sources, [{ name: 'synapse', heldBack: 0 }])
})

t.test('examples/sources/synapse-postgres.ts does, once for each erasure', async t => {
  const { erase, reactivate, connectionString } = await openSynapseTables(t, {
    trigger: true,
  })
  await erase(BOB)
  const folder = t.testdir()
  const open = () => openSynapsePostgres(folder, connectionString, 'example.org')
  const erasedAre = (erasure: Erasure, count: number) =>
    until(
      `${count} requests are finished`,
      async () => (await erasure.status()).counts.erased === count,
    )

  const first = await open()
  const before = await start(t, first)
  await erasedAre(first, 1)
  t.same(before, [BOB])
  await first.close()

  const second = await open()
  const purged = await start(t, second)
  await erase('@carol:example.org')
  await erasedAre(second, 2)
  t.same(purged, ['@carol:example.org'], 'nobody is erased twice for one erasure')

  await reactivate(BOB)
  await until('Bob is there again', async () => !(await second.isErased(BOB)))
  await erase(BOB)
  await erasedAre(second, 3)
  t.same(purged, ['@carol:example.org', BOB], 'a later erasure is a new one')
  t.ok(await second.isErased(BOB))
})
