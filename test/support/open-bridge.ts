// A real bridge on matrix-appservice-bridge, without stores, and the events it is sent.
import {
  AppServiceRegistration,
  Bridge,
  type BridgeController,
} from 'matrix-appservice-bridge'
import type { Test } from 'tap'

import { freePort } from './free-port.ts'
import { HS_TOKEN } from './open-erasure.ts'

export function createBridge(
  t: Test,
  controller: Partial<BridgeController> = {},
  tracking?: object,
) {
  const logged: string[] = []
  const bridge = new Bridge({
    homeserverUrl: 'http://127.0.0.1:1',
    domain: 'example.org',
    registration: AppServiceRegistration.fromObject({
      id: 'test',
      url: 'http://127.0.0.1:1',
      as_token: 'the-as-token-of-a-test',
      hs_token: HS_TOKEN,
      sender_localpart: 'bridge',
      namespaces: {
        users: [{ exclusive: true, regex: '@_ghost_.*' }],
        aliases: [],
        rooms: [],
      },
    }) as AppServiceRegistration,
    controller: {
      onEvent: () => {},
      onLog: text => void logged.push(text),
      ...controller,
    },
    disableStores: true,
    ...(tracking && { userActivityTracking: tracking as never }),
    queue: { type: 'single', perRequest: true },
  })
  t.teardown(() => bridge.close())
  return { bridge, logged }
}

/** Runs a bridge on a free port. */
export async function listening(bridge: Bridge): Promise<number> {
  const port = await freePort()
  await bridge.run(port, undefined, '127.0.0.1')
  return port
}

export const member = (sender: string, membership: string, more: object = {}) => ({
  type: 'm.room.member',
  sender,
  state_key: sender,
  room_id: '!room:example.org',
  event_id: `$${Math.random()}`,
  origin_server_ts: 1,
  content: { membership, displayname: 'Bob the Builder', avatar_url: 'mxc://x/y' },
  // Synapse sends it twice to application services.
  prev_content: { displayname: 'Bob the Builder' },
  unsigned: { prev_content: { displayname: 'Bob the Builder' } },
  ...more,
})
export const message = (sender: string, body: string) => ({
  type: 'm.room.message',
  sender,
  room_id: '!room:example.org',
  event_id: `$${Math.random()}`,
  origin_server_ts: 1,
  content: { msgtype: 'm.text', body },
})
