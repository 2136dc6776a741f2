import { AppServiceRegistration, Bridge } from 'matrix-appservice-bridge'
import { Appservice, LogService, MemoryStorageProvider } from 'matrix-bot-sdk'

import { attachErasure } from '../../lib/doors/bridge/attach-erasure.ts'
import type { Erasure } from '../../lib/index.ts'
import { REGISTRATION } from '../support/erasure.ts'

/** Serves transactions on a port, with or without the guard in front of them. */
type Serve = (port: number, erasure: Erasure | undefined) => Promise<unknown>

/** What the guard is measured in front of. Nothing listens to their events. */
export const FRAMEWORKS: ReadonlyMap<string, Serve> = new Map<string, Serve>([
  ['matrix-appservice-bridge', serveBridge],
  ['matrix-bot-sdk', serveAppservice],
])

const NOWHERE = 'http://127.0.0.1:1'
const FIELDS = { id: 'bench', url: NOWHERE, as_token: 'the-as-token', ...REGISTRATION }
const GHOSTS = [{ exclusive: true, regex: '@_ghost_.*:example\\.org' }]
const NAMESPACES = { users: GHOSTS, aliases: [], rooms: [] }

async function serveBridge(port: number, erasure: Erasure | undefined): Promise<void> {
  const bridge = new Bridge({
    homeserverUrl: NOWHERE,
    domain: 'example.org',
    registration: AppServiceRegistration.fromObject({
      ...FIELDS,
      namespaces: NAMESPACES,
    }) as AppServiceRegistration,
    controller: { onEvent: request => request.resolve(undefined) },
    disableStores: true,
  })
  if (erasure !== undefined) attachErasure(bridge, erasure)
  await bridge.run(port, undefined, '127.0.0.1')
}

async function serveAppservice(
  port: number,
  erasure: Erasure | undefined,
): Promise<void> {
  const silent = () => {}
  LogService.setLogger({
    info: silent,
    warn: silent,
    error: silent,
    debug: silent,
    trace: silent,
  })
  const storage = new MemoryStorageProvider()
  const options = {
    port,
    bindAddress: '127.0.0.1',
    homeserverName: 'example.org',
    homeserverUrl: NOWHERE,
    registration: { ...FIELDS, namespaces: NAMESPACES },
    storage,
  }
  const appservice = new Appservice(options)
  // So that it need not ask the homeserver to register its bot.
  storage.addRegisteredUser(appservice.botUserId)
  if (erasure !== undefined) attachErasure(appservice, erasure)
  await appservice.begin()
}
