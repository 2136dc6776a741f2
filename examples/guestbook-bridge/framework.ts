import {
  Bridge,
  Logger as BridgeLogger,
  MembershipCache,
  type Request,
  type WeakEvent,
} from 'matrix-appservice-bridge'
import type { Logger } from 'matrix-appservice-erasure'

/** What every ghost's user ID begins with. */
export const GHOST_PREFIX = '@guestbook_'

/** The options of the framework. */
export interface FrameworkOptions {
  readonly homeserverUrl: string
  readonly serverName: string
  /** The path of the registration file. */
  readonly registration: string
  readonly log: Logger
  /** Takes an event in. The next one waits until it has. */
  readonly takeEvent: (event: WeakEvent) => Promise<void>
}

/** Makes a matrix-appservice-bridge that logs nothing and remembers no users. */
export function createFramework(options: FrameworkOptions): Bridge {
  const { homeserverUrl, serverName, registration, log, takeEvent } = options
  // Its log lines name users, and so do those of its libraries. Without any transport it would
  // complain about each line, and print it.
  BridgeLogger.configure({ console: 'off' })
  const isOurs = (userId: string) =>
    userId === bridge.botUserId ||
    (userId.startsWith(GHOST_PREFIX) && userId.endsWith(`:${serverName}`))
  // One event after the other. The framework has an option for this, but in version 11 it does not
  // wait.
  let before: Promise<void> = Promise.resolve()
  const bridge: Bridge = new Bridge({
    homeserverUrl,
    domain: serverName,
    registration,
    disableStores: true,
    membershipCache: new OwnMembershipCache(isOurs),
    intentOptions: { clients: { dontCheckPowerLevel: true, enablePresence: false } },
    logRequestOutcome: false,
    controller: {
      // The access log, which has user IDs in its paths.
      onLog: () => {},
      onEvent(request: Request<WeakEvent>) {
        before = before
          .then(() => takeEvent(request.getData()))
          // Not the error itself: it may quote the event.
          .catch(() => log.error('An event could not be processed'))
          .finally(() => request.resolve(undefined))
      },
    },
  })
  return bridge
}

/** Makes the bridge listen, and adds what the framework lacks. */
export async function listen(bridge: Bridge, port: number, host: string): Promise<void> {
  // It makes its application before it first waits, so nothing comes in before these two.
  const listening = bridge.listen(port, host)
  bridge.addAppServicePath({
    method: 'POST',
    path: '/_matrix/app/v1/ping',
    authenticate: true,
    handler: (_request, response) => void response.json({}),
  })
  // Otherwise Express prints the error of a body that is not JSON, which quotes the body.
  bridge.appService.expressApp.use(
    (_error: unknown, _request: unknown, response: Answering, _next: unknown) =>
      void response.status(400).json({ errcode: 'M_NOT_JSON', error: 'Not JSON' }),
  )
  await listening
}

interface Answering {
  status(code: number): { json(body: object): unknown }
}

/**
 * The framework keeps the names and pictures of all users it sees join or leave in memory, with no
 * way to remove one. It needs only those of its own users: data that is not kept needs no purge.
 */
class OwnMembershipCache extends MembershipCache {
  readonly #isOurs: (userId: string) => boolean

  constructor(isOurs: (userId: string) => boolean) {
    super()
    this.#isOurs = isOurs
  }

  override setMemberEntry(
    ...[roomId, userId, membership, profile]: Parameters<
      MembershipCache['setMemberEntry']
    >
  ): void {
    if (this.#isOurs(userId)) super.setMemberEntry(roomId, userId, membership, profile)
  }
}
