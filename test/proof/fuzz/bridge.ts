import type { IncomingMessage, ServerResponse } from 'node:http'

import { AppService } from 'matrix-appservice'
import { AppServiceRegistration, Bridge } from 'matrix-appservice-bridge'

import {
  attachErasure,
  type ExpressLike,
} from '../../../lib/doors/bridge/attach-erasure.ts'
import type { Erasure } from '../../../lib/core/erasure.ts'
import type { EraseServer } from '../../../lib/doors/http/listen.ts'
import { freePort } from '../../support/free-port.ts'
import { BRIDGE_MARK } from './oracle.ts'
import { FUZZ_TOKEN } from './tokens.ts'

/** Serves the endpoint on the port of a real bridge, whose own answers are marked. */
export async function serveBridge(erasure: Erasure): Promise<EraseServer> {
  const bridge = new Bridge({
    homeserverUrl: 'http://127.0.0.1:1',
    domain: 'example.org',
    registration: AppServiceRegistration.fromObject({
      id: 'fuzz',
      url: 'http://127.0.0.1:1',
      as_token: 'the-as-token-of-a-test',
      hs_token: FUZZ_TOKEN,
      sender_localpart: 'bridge',
      namespaces: { users: [], aliases: [], rooms: [] },
    }) as AppServiceRegistration,
    controller: { onEvent: () => {} },
    disableStores: true,
  })
  const appService = new AppService({ homeserverToken: FUZZ_TOKEN })
  const app: ExpressLike = appService.expressApp as never
  const { handle } = app
  app.handle = (request: IncomingMessage, response: ServerResponse, ...rest) => {
    response.setHeader(BRIDGE_MARK, 'yes')
    return handle.call(app, request, response, ...rest)
  }
  attachErasure(bridge, erasure)
  const port = await freePort()
  // The default of 10 makes a hundred clients at once wait a second for their turn.
  await bridge.run(port, appService, '127.0.0.1', 511)
  return { url: `http://127.0.0.1:${port}`, port, close: () => bridge.close() }
}
