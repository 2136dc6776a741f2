import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import t from 'tap'

import { startBridge } from '../../examples/guestbook-bridge/bridge.ts'
import { createRegistration } from '../../lib/registration/registration-file.ts'
import { freePort } from '../support/free-port.ts'
import { memoryLog } from '../support/memory-log.ts'
import { runProgram } from '../support/program.ts'
import { until } from '../support/until.ts'

const bob = '@bob:example.org'

t.test('SOURCE=synapse asks with the as_token who was erased', async t => {
  const yaml = createRegistration({
    id: 'guestbook',
    userRegex: String.raw`@guestbook_.*:example\.org`,
  })
  const dataDir = t.testdir({ 'registration.yaml': yaml })
  const tokenOf = (name: string) => new RegExp(`^${name}: "(.+)"$`, 'm').exec(yaml)?.[1]
  let erased = false
  const asked = new Set<string>()
  const homeserver = createServer((request, response) => {
    const isAdmin = request.headers.authorization === `Bearer ${tokenOf('as_token')}`
    const { pathname } = new URL(request.url ?? '', 'http://localhost')
    const account = { name: bob, erased, deactivated: erased, appservice_id: null }
    const answers = new Map<string, object>([
      ['/_synapse/admin/v3/users', { users: [account], total: 1 }],
      [`/_synapse/admin/v2/users/${encodeURIComponent(bob)}`, account],
    ])
    const answer = isAdmin ? answers.get(pathname) : undefined
    if (answer !== undefined) asked.add(pathname)
    response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer ?? {}))
  }).listen(0, '127.0.0.1')
  await once(homeserver, 'listening')
  t.teardown(() => homeserver.close())
  const { port: homeserverPort } = homeserver.address() as AddressInfo
  const [port, guestbookPort] = [await freePort(), await freePort()]
  const log = memoryLog()
  const bridge = await startBridge({
    homeserverUrl: `http://127.0.0.1:${homeserverPort}`,
    serverName: 'example.org',
    registration: join(dataDir, 'registration.yaml'),
    ...{ dataDir, log, host: '127.0.0.1', port, guestbookPort, settleMs: 0, pauseMs: 0 },
    source: { intervalMs: 20, fullIntervalMs: 20, maxBusyPercent: 100 },
  })
  t.teardown(() => bridge.close())
  const entries = async () => {
    const answer = await fetch(`http://127.0.0.1:${guestbookPort}/entries.json`)
    return ((await answer.json()) as object[]).length
  }
  const event = {
    type: 'm.room.message',
    sender: bob,
    room_id: '!room:example.org',
    event_id: '$1',
    origin_server_ts: Date.now(),
    content: { body: 'Hello' },
  }
  const answer = await fetch(`http://127.0.0.1:${port}/_matrix/app/v1/transactions/1`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${tokenOf('hs_token')}` },
    body: JSON.stringify({ events: [event] }),
  })
  t.equal(answer.status, 200)
  await until('the message is in the guestbook', async () => (await entries()) === 1)
  erased = true
  await until('it is not any more', async () => (await entries()) === 0)
  t.equal(asked.size, 2, 'the list, and the account alone')
  t.notMatch(log.text(), /bob/)
})

t.test('a SOURCE that there is not is refused', async t => {
  const env = {
    SOURCE: 'mas',
    HOMESERVER_URL: 'http://127.0.0.1:1',
    SERVER_NAME: 'example.org',
    REGISTRATION: 'registration.yaml',
    DATA_DIR: t.testdir(),
    PORT: '1',
    GUESTBOOK_PORT: '2',
  }
  const ended = await runProgram('examples/guestbook-bridge/main.ts', [], { env })
  t.equal(ended.code, 2)
  t.match(ended.stderr, /SOURCE is not `synapse`/)
})
