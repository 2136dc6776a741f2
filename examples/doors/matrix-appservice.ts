// Erasure on an application service of matrix-appservice 3: npm install matrix-appservice
import { AppService } from 'matrix-appservice'

import type { Erasure } from 'matrix-appservice-erasure'
import { attachErasure } from 'matrix-appservice-erasure/bridge'

/**
 * Makes an application service that honours erasure requests; `listen(port)` starts it as always. It
 * does not know its homeserver's name: give `createErasure` the option `serverName`.
 */
export function createErasableAppService(
  erasure: Erasure,
  homeserverToken: string,
  onEvent: (event: Record<string, unknown>) => void,
): AppService {
  const appService = new AppService({ homeserverToken })
  attachErasure(appService, erasure)
  // No event of an erased user arrives here: the guard has removed it.
  appService.on('event', onEvent)
  return appService
}
