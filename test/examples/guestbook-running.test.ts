import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { MembershipCache } from 'matrix-appservice-bridge'
import t, { type Test } from 'tap'

import { startBridge } from '../../examples/guestbook-bridge/bridge.ts'
import {
  type SentEvent,
  startStubHomeserver,
} from '../../examples/guestbook-bridge/demo/stub-homeserver.ts'
import { createFramework } from '../../examples/guestbook-bridge/framework.ts'
import { createRegistration } from '../../lib/registration/registration-file.ts'
import { freePort } from '../support/free-port.ts'
import { memoryLog } from '../support/memory-log.ts'

const bob = '@bob:example.org'

async function runBridge(t: Test) {
  const dataDir = join(t.testdir(), 'data')
  mkdirSync(dataDir)
  const [port, guestbookPort] = [await freePort(), await freePort()]
  const bridgeUrl = `http://127.0.0.1:${port}`
  const yaml = createRegistration({
    id: 'guestbook',
    url: bridgeUrl,
    userRegex: '@guestbook_.*',
  })
  const registration = join(dataDir, 'registration.yaml')
  writeFileSync(registration, yaml, { mode: 0o600 })
  const [, asToken = ''] = /^as_token: "(.+)"$/m.exec(yaml) ?? []
  const [, hsToken = ''] = /^hs_token: "(.+)"$/m.exec(yaml) ?? []
  const serverName = 'example.org'
  const homeserver = await startStubHomeserver({
    serverName,
    asToken,
    hsToken,
    bridgeUrl,
  })
  const log = memoryLog()
  const bridge = await startBridge({
    ...{ homeserverUrl: homeserver.url, serverName, registration, dataDir, log },
    ...{ host: '127.0.0.1', port, guestbookPort, settleMs: 0, pauseMs: 0 },
  })
  let isOpen = true
  const close = async () => {
    if (isOpen) await bridge.close()
    isOpen = false
    homeserver.close()
  }
  t.teardown(close)
  const guestbookUrl = `http://127.0.0.1:${guestbookPort}`
  const sign = (form: Record<string, string>) =>
    fetch(`${guestbookUrl}/sign`, { method: 'POST', body: new URLSearchParams(form) })
  const entries = async () =>
    (await (await fetch(`${guestbookUrl}/entries.json`)).json()) as Array<{
      body: string
    }>
  const untilEntries = async (count: number) => {
    while ((await entries()).length < count) await new Promise(setImmediate)
    return entries()
  }
  return { dataDir, bridgeUrl, hsToken, homeserver, log, close, sign, untilEntries }
}

t.test('the framework remembers its own users, and nobody else', async t => {
  const dataDir = t.testdir({
    'registration.yaml': createRegistration({ id: 'guestbook' }),
  })
  const bridge = createFramework({
    homeserverUrl: 'http://127.0.0.1:1',
    serverName: 'example.org',
    registration: join(dataDir, 'registration.yaml'),
    log: memoryLog(),
    takeEvent: async () => {},
  })
  t.teardown(() => bridge.close())
  await bridge.initialise()
  const { membershipCache: cache } = bridge.opts as { membershipCache?: MembershipCache }
  const ours = ['@guestbook:example.org', '@guestbook_ann:example.org']
  for (const userId of [...ours, bob, '@guestbook_ann:other.example.org'])
    cache?.setMemberEntry('!r:hs', userId, 'join', { displayname: userId })
  t.same(cache?.getMembersForRoom('!r:hs'), ours)
})

t.test(
  'a running bridge answers pings, and is silent about what is not JSON',
  async t => {
    const { bridgeUrl, hsToken, log } = await runBridge(t)
    const printed = t.capture(process.stderr, 'write', () => true)
    const ping = (authorization: string) =>
      fetch(`${bridgeUrl}/_matrix/app/v1/ping`, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json' },
        body: '{"transaction_id": "x"}',
      })
    const good = await ping(`Bearer ${hsToken}`)
    t.same([good.status, await good.json()], [200, {}])
    t.equal((await ping('Bearer wrong')).status, 403)
    for (const [method, path] of [
      ['POST', 'ping'],
      ['PUT', 'transactions/1'],
    ] as const) {
      const broken = await fetch(`${bridgeUrl}/_matrix/app/v1/${path}`, {
        method,
        headers: {
          authorization: `Bearer ${hsToken}`,
          'content-type': 'application/json',
        },
        body: `{"events": [{"sender": "${bob}"`,
      })
      t.match([broken.status, await broken.json()], [400, { errcode: 'M_NOT_JSON' }])
    }
    t.same(printed(), [])
    t.notMatch(log.text(), /bob/)
  },
)

t.test(
  'signatures are said in a room by a ghost, but never in a direct room',
  async t => {
    const { homeserver, sign, untilEntries, log, dataDir, close } = await runBridge(t)
    await sign({ name: 'Ann', body: 'nobody is there' })
    const invite = (room_id: string, is_direct: boolean): SentEvent => ({
      type: 'm.room.member',
      sender: bob,
      room_id,
      state_key: '@guestbook:example.org',
      content: { membership: 'invite', is_direct },
    })
    await homeserver.deliver([invite('!direct:hs', true), invite('!first:hs', false)])
    const content = { body: 'Hello' }
    await homeserver.deliver([
      { type: 'm.room.message', sender: bob, room_id: '!first:hs', content },
    ])
    await untilEntries(2)
    await sign({ name: 'Ann', body: 'to the first room' })
    await sign({ name: '張偉', body: 'to this room', room: '!first:hs' })
    await sign({ name: 'Ann', body: 'not to this room', room: '!direct:hs' })
    t.same(homeserver.texts, ['to the first room', 'to this room'])
    homeserver.close()
    await sign({ name: 'Ann', body: 'kept nevertheless' })
    t.same(
      (await untilEntries(6)).map(({ body }) => body),
      [
        ...['nobody is there', 'Hello', 'to the first room', 'to this room'],
        ...['not to this room', 'kept nevertheless'],
      ],
    )
    t.match(log.text(), 'could not be sent to Matrix')
    t.notMatch(log.text(), /Ann|guestbook_|first/)
    await close()
    t.notOk(
      readdirSync(dataDir).some(name => name.endsWith('-wal')),
      'it closes cleanly',
    )
  },
)
