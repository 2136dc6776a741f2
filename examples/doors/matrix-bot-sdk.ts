// Erasure on an application service of matrix-bot-sdk 0.8: npm install matrix-bot-sdk
import { Appservice, type IAppserviceOptions } from 'matrix-bot-sdk'

import type { Erasure } from 'matrix-appservice-erasure'
import { attachErasure } from 'matrix-appservice-erasure/bridge'

/** Makes an application service that honours erasure requests; `begin()` starts it as always. */
export function createErasableAppservice(
  erasure: Erasure,
  options: IAppserviceOptions,
  onEvent: (roomId: string, event: Record<string, unknown>) => void,
): Appservice {
  const appservice = new Appservice(options)
  attachErasure(appservice, erasure)
  // No event of an erased user arrives here: the guard has removed it.
  appservice.on('room.event', onEvent)
  return appservice
}
