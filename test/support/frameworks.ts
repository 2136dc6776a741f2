// The frameworks that attachErasure is for, each as a real one that tells what reaches its listeners.
import * as element from '@vector-im/matrix-bot-sdk'
import { AppService } from 'matrix-appservice'
import type { Bridge } from 'matrix-appservice-bridge'
import type { Appservice } from 'matrix-bot-sdk'
import * as turt2live from 'matrix-bot-sdk'
import type { Test } from 'tap'
import * as elementLatest from 'vector-im-matrix-bot-sdk-latest'

import type { attachErasure } from '../../lib/doors/bridge/attach-erasure.ts'
import { freePort } from './free-port.ts'
import { createBridge } from './open-bridge.ts'
import { HS_TOKEN, REGISTRATION } from './open-erasure.ts'
import { serveListener } from './serve-listener.ts'

/** A real application service, and what its listeners were told. */
interface Subject {
  readonly host: Parameters<typeof attachErasure>[0]
  /** Listens, and resolves to the port. */
  begin(): Promise<number>
  /** What reached its listeners, in order: events, ephemeral ones, messages to devices, device lists. */
  readonly heard: unknown[]
  /** What the framework logged. */
  readonly logged: string[]
}

/** A framework, by its name on npm. */
export interface Framework {
  readonly name: string
  /** What it hands on besides events. */
  readonly hands: readonly ('ephemeral' | 'to_device' | 'device_lists')[]
  /** Whether it tells the homeserver's name. */
  readonly knowsServer: boolean
  /** Whether it also serves the paths of old, without /_matrix/app/v1. */
  readonly servesOldPaths: boolean
  create(t: Test): Promise<Subject>
}

const OF_BOT_SDK = {
  hands: ['ephemeral', 'to_device', 'device_lists'],
  knowsServer: true,
  servesOldPaths: true,
} as const

export const FRAMEWORKS: readonly Framework[] = [
  {
    name: 'matrix-appservice-bridge',
    hands: ['ephemeral'],
    knowsServer: true,
    servesOldPaths: false,
    create: async t => {
      const { bridge, logged } = createBridge(t)
      const heard: unknown[] = []
      return {
        host: bridge,
        heard,
        logged,
        begin: async () => {
          const port = await freePort()
          await (bridge as Bridge).run(port, undefined, '127.0.0.1')
          const { appService } = bridge
          appService.on('event', event => heard.push(event))
          appService.on('ephemeral', event => heard.push(event))
          return port
        },
      }
    },
  },
  {
    name: 'matrix-appservice',
    hands: ['ephemeral'],
    knowsServer: false,
    servesOldPaths: false,
    create: createAppService,
  },
  {
    ...OF_BOT_SDK,
    name: 'matrix-bot-sdk',
    create: t => createBot(t, turt2live),
  },
  {
    ...OF_BOT_SDK,
    name: '@vector-im/matrix-bot-sdk',
    create: t => createBot(t, element as never),
  },
  {
    ...OF_BOT_SDK,
    name: '@vector-im/matrix-bot-sdk@latest',
    create: t => createBot(t, elementLatest as never),
  },
]

async function createAppService(t: Test): Promise<Subject> {
  const heard: unknown[] = []
  const logged: string[] = []
  const host = new AppService({ homeserverToken: HS_TOKEN })
  host.on('event', event => heard.push(event))
  host.on('ephemeral', event => heard.push(event))
  host.on('http-log', line => logged.push(line))
  const begin = async () => {
    const port = await freePort()
    await host.listen(port, '127.0.0.1', 10)
    t.teardown(() => host.close())
    return port
  }
  return { host, begin, heard, logged }
}

/** What the three have in common. */
type BotSdk = Pick<typeof turt2live, 'Appservice' | 'LogService'>

async function createBot(t: Test, { Appservice, LogService }: BotSdk): Promise<Subject> {
  const heard: unknown[] = []
  const logged: string[] = []
  const log = (...words: unknown[]) => void logged.push(words.join(' '))
  LogService.setLogger({ info: log, warn: log, error: log, debug: log, trace: log })
  // It registers its bot before it is ready.
  const homeserver = await serveListener(t, (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('{"user_id":"@bridge:example.org","joined_rooms":[]}')
  })
  const port = await freePort()
  const host: Appservice = new Appservice({
    port,
    bindAddress: '127.0.0.1',
    homeserverName: 'example.org',
    homeserverUrl: `http://127.0.0.1:${homeserver}`,
    registration: { ...BOT_REGISTRATION, namespaces: { ...BOT_REGISTRATION.namespaces } },
  })
  host.on('room.event', (_room, event) => heard.push(event))
  host.on('ephemeral.event', event => heard.push(event))
  host.on('device_lists', lists => heard.push(lists))
  const begin = async () => {
    await host.begin()
    t.teardown(() => host.stop())
    return port
  }
  return { host, begin, heard, logged }
}

const BOT_REGISTRATION = {
  id: 'test',
  as_token: 'the-as-token-of-a-test',
  hs_token: HS_TOKEN,
  sender_localpart: REGISTRATION.sender_localpart,
  namespaces: {
    users: [{ exclusive: true, regex: '@_ghost_.*' }],
    rooms: [],
    aliases: [],
  },
}
