// Erasure on a bridge of matrix-appservice-bridge 11: npm install matrix-appservice-bridge
import { Bridge, type WeakEvent } from 'matrix-appservice-bridge'

import type { Erasure } from 'matrix-appservice-erasure'
import { attachErasure } from 'matrix-appservice-erasure/bridge'

/** What the bridge needs: its homeserver, and what it does with events. */
export interface BridgeSettings {
  readonly homeserverUrl: string
  readonly domain: string
  /** The path of the registration file. */
  readonly registration: string
  onEvent(event: WeakEvent): void
}

/** Makes a bridge that honours erasure requests; `bridge.run(port)` starts it as always. */
export function createErasableBridge(
  erasure: Erasure,
  { homeserverUrl, domain, registration, onEvent }: BridgeSettings,
): Bridge {
  const bridge = new Bridge({
    homeserverUrl,
    domain,
    registration,
    // No event of an erased user arrives here: the guard has removed it.
    controller: { onEvent: request => onEvent(request.getData()) },
    disableStores: true,
  })
  attachErasure(bridge, erasure)
  return bridge
}
