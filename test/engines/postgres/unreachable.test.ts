// A connection string that is wrong: one line says what is.
import { createServer } from 'node:net'
import { once } from 'node:events'
import { inspect } from 'node:util'

import t from 'tap'

import { createErasure } from '../../../lib/core/create-erasure.ts'
import { postgresEngine } from '../../../lib/engines/postgres/postgres-engine.ts'
import { REGISTRATION } from '../../support/open-erasure.ts'
import { openTestDatabase } from '../../support/postgres/open-database.ts'

const SECRET = 'tortoise'

const open = async (connectionString: string) =>
  createErasure({
    registration: REGISTRATION,
    key: Buffer.alloc(32, 1),
    ...postgresEngine({ connectionString }),
  })

t.test('a wrong connection string is told in one line', async t => {
  const { connectionString } = await openTestDatabase(t)
  const rude = createServer(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  rude.listen(0, '127.0.0.1')
  await once(rude, 'listening')
  t.teardown(() => rude.close())
  const { port } = rude.address() as { port: number }
  const { host } = new URL(connectionString)
  const cases: ReadonlyArray<readonly [string, RegExp]> = [
    [
      `postgres://me:${SECRET}@127.0.0.1:1/x`,
      /127.0.0.1:1\/x: .* \(ECONNREFUSED\); is Post/,
    ],
    [`postgres://me:${SECRET}@no.such.host.invalid/x`, /it cannot be reached \(E/],
    [`postgres://me:${SECRET}@127.0.0.1:${port}/x`, /it cannot be reached/],
    [`${connectionString}_gone`, /the server has no such database/],
    [`postgres://nobody_${SECRET}:x@${host}/postgres`, /the server refuses th/],
  ]
  for (const [wrong, message] of cases) {
    const error = await open(wrong).then(
      () => new Error('It opened'),
      (reason: Error) => reason,
    )
    t.match(error, { code: 'STORE_UNREADABLE', message })
    t.notMatch(error.message, /\n/)
    const { cause, ...facts } = error
    t.notMatch(inspect([error.message, facts]), SECRET)
    t.ok(cause instanceof Error)
  }
})

t.test('what is no connection string is refused before anything', async t => {
  for (const wrong of ['localhost:5432', 'http://localhost/x', ''])
    t.throws(() => postgresEngine({ connectionString: wrong }), {
      name: 'TypeError',
      message: /DATABASE_URL/,
    })
})
