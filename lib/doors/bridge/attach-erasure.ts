import type { Erasure } from '../../core/erasure.ts'
import { ErasureError } from '../../errors.ts'
import { isServerName, isUserId, serverNameOf } from '../../matrix/user-id.ts'
import { ERASURE, mount, unsupported } from './mount.ts'

/** The parts of matrix-appservice-bridge's `Bridge` (version 11) that we use. */
export interface BridgeLike {
  /** The options the bridge was made with. */
  readonly opts: {
    /** The homeserver's name. */
    readonly domain?: string | undefined
  }
  /** Throws before the bridge listens. */
  readonly appService: AppServiceLike
  /** Makes the application, and listens. */
  listen(...given: never[]): Promise<void>
}

/** The part of matrix-appservice's `AppService` (version 3) that we use. */
export interface AppServiceLike {
  /** The Express application. */
  readonly expressApp: object
}

/**
 * The parts of the `Appservice` of matrix-bot-sdk (version 0.8) and @vector-im/matrix-bot-sdk (versions
 * 0.7 and 0.8) that we use.
 */
export interface BotAppserviceLike {
  /** The Express application. */
  readonly expressAppInstance: object
  /** The bot, who is a user of the homeserver. */
  readonly botUserId: string
}

/**
 * Attaches erasure to a bridge: to a `Bridge` of matrix-appservice-bridge, an `AppService` of
 * matrix-appservice, or an `Appservice` of matrix-bot-sdk or @vector-im/matrix-bot-sdk. It brings the
 * endpoint, on the bridge's own port, and the guard, which removes late events of erased users from
 * every transaction before the framework sees it. So they do not reach its caches, its activity
 * tracker or any listener, either. You may call it before or after `run()`, `listen()` or `begin()`.
 *
 * Both authenticate the homeserver themselves and run before all of the framework's own middleware: no
 * access log line is written for the endpoint, and no body parser sees it. While the store cannot be
 * read, transactions are answered 503 and each is logged as an error. Nothing is lost: the homeserver
 * sends them again.
 *
 * Close the bridge before the SDK: `await bridge.close(); await erasure.close()`.
 *
 * The SDK takes the homeserver's name from the bridge's `domain` or the appservice's
 * `homeserverName`, unless you set `serverName`. An `AppService` does not know it: set `serverName`.
 *
 * @throws ErasureError `ALREADY_ATTACHED` if this bridge has erasure, `BRIDGE_UNSUPPORTED` if it
 *   does not look like one of these, `REGISTRATION_INVALID` if an exclusive namespace contains every
 *   user of the bridge's homeserver. `listen()` of a `Bridge` rejects with `BRIDGE_UNSUPPORTED` if the
 *   bridge turns out to have no Express application
 */
export function attachErasure(
  host: BridgeLike | AppServiceLike | BotAppserviceLike,
  erasure: Erasure,
): void {
  if (typeof host !== 'object' || host === null) throw unsupported('it is no object')
  if ('expressAppInstance' in host) attachToApp(host.expressAppInstance, erasure, host)
  else if ('expressApp' in host) attachToApp(host.expressApp, erasure)
  else attachToBridge(host, erasure)
}

function attachToApp(
  app: object,
  erasure: Erasure,
  { botUserId }: Partial<BotAppserviceLike> = {},
): void {
  if (typeof app !== 'function') throw unsupported('it has no Express application')
  if (botUserId !== undefined && isUserId(botUserId)) {
    erasure.door.learnServerName(serverNameOf(botUserId))
  }
  if (!mount(app, erasure)) throw alreadyAttached()
}

function attachToBridge(bridge: BridgeLike, erasure: Erasure): void {
  if (ERASURE in bridge) throw alreadyAttached()
  if (typeof bridge.listen !== 'function' || typeof bridge.opts !== 'object') {
    throw unsupported('listen() or opts is missing')
  }
  const { domain } = bridge.opts
  if (typeof domain === 'string' && isServerName(domain))
    erasure.door.learnServerName(domain)
  Object.defineProperty(bridge, ERASURE, { value: true })
  const { listen } = bridge
  // `listen` makes the application before it first waits, and a bridge may listen again.
  bridge.listen = async (...given) => {
    const listening = listen.apply(bridge, given)
    let isMounted: boolean
    try {
      isMounted = mountIfReady(bridge, erasure)
    } finally {
      await listening
    }
    if (!isMounted) throw unsupported('it listens without an Express application')
  }
  mountIfReady(bridge, erasure)
}

/** Mounts erasure if there is an application. @returns whether there is one */
function mountIfReady(bridge: BridgeLike, erasure: Erasure): boolean {
  let app: object
  try {
    app = bridge.appService.expressApp
  } catch {
    return false
  }
  mount(app, erasure)
  return true
}

function alreadyAttached(): ErasureError {
  return new ErasureError(
    'ALREADY_ATTACHED',
    'Erasure is already attached to this bridge',
  )
}
