import { readdirSync } from 'node:fs'
import { join } from 'node:path'

import t from 'tap'

import { type Bridge, startBridge } from '../durability/bridge.ts'
import { purgedUsers } from '../durability/handler.ts'
import { newLedger } from '../durability/homeserver.ts'
import { inspect } from '../durability/inspect.ts'
import { HS_TOKEN } from '../../support/open-erasure.ts'
import { sendErase } from '../../support/send-erase.ts'

const CONNECTIONS = 16
/** Of 512 bytes: a megabyte, of which the start takes a tenth. */
const MOST_BLOCKS = 2048

// To SQLite, a limit on the size of files is a full disk, and it needs no privileges. Node ignores
// the signal that comes with it.
const FULL_SOON = ['sh', '-c', `ulimit -f ${MOST_BLOCKS} && exec "$@"`, 'sh']

const ping = (port: number) =>
  fetch(`http://127.0.0.1:${port}/_matrix/app/v1/ping`, {
    method: 'POST',
    headers: { authorization: `Bearer ${HS_TOKEN}` },
    body: '{}',
  })

async function portOf(bridge: Bridge): Promise<number> {
  const port = await bridge.port
  if (port !== undefined) return port
  await bridge.ended
  throw new Error('The bridge has ended')
}

t.test('1. A 200 is durable, and on a full disk the answer is 503', async t => {
  const directory = t.testdir()
  const root = join(directory, 'bridge')
  const log = join(directory, 'purged.log')
  const compileCache = join(directory, 'compile-cache')
  const ledger = newLedger()
  const bridge = startBridge({ root, log, hold: true, compileCache, under: FULL_SOON })
  t.teardown(() => bridge.kill())
  const port = await portOf(bridge)
  const refused = new Set<string>()
  const errors = new Set<string>()
  const erase = async (user: string) => {
    ledger.sent.add(user)
    const { status, errcode } = await sendErase(port, user)
    if (status === 200) ledger.acknowledged.add(user)
    else refused.add(user)
    errors.add(`${status} ${errcode}`)
  }
  for (let round = 0; round < 200 && refused.size < 10 * CONNECTIONS; round += 1) {
    const users = Array.from(
      { length: CONNECTIONS },
      (_, at) => `@u${round}-${at}:example.org`,
    )
    await Promise.all(users.map(erase))
  }
  t.comment(`${ledger.acknowledged.size} answered 200, then ${refused.size} 503`)
  t.ok(ledger.acknowledged.size > 50, 'there was room for some')
  t.same(errors, new Set(['200 ', '503 M_UNKNOWN']))
  t.equal((await ping(port)).status, 200, 'the bridge is still there')
  bridge.kill()
  await bridge.ended
  t.ok(readdirSync(join(root, 'data')).length > 0)

  t.same(await inspect(root, log, ledger), [], 'with room again, everybody is erased')
  const purged = purgedUsers(log)
  t.same(purged, ledger.acknowledged, 'and nobody who was answered 503')
})
