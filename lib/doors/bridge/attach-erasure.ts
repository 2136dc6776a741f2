import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Erasure } from '../../core/erasure.ts'
import { codeOf, ErasureError } from '../../errors.ts'
import { isServerName } from '../../matrix/user-id.ts'
import { isBehindLast } from '../http/ending.ts'
import { fromNode, sendAnswer, splitTarget } from '../http/node.ts'
import { ERASE_PATHS, receiveErase } from '../http/receive.ts'
import { guardEphemeral, guardEvent, type GuardedEvent, type Verdict } from './guard.ts'

/** What is used of matrix-appservice-bridge's `Request`. */
export interface BridgeRequestLike {
  /** The event. */
  getData(): unknown
  /** Tells the bridge's queue that the event is done with. */
  resolve(value: unknown): void
}

/** What is used of an Express application: the function every request goes through. */
export interface ExpressLike {
  /** Answers a request. */
  handle(request: IncomingMessage, response: ServerResponse, ...rest: unknown[]): unknown
}

/** What is used of the functions a bridge is controlled by. */
export interface ControllerLike {
  /** Takes an event. */
  onEvent(request: never, context?: never): unknown
  /** Takes a typing notice, a receipt or a presence. */
  onEphemeralEvent?: ((request: never) => unknown) | undefined
}

/** What is used of matrix-appservice-bridge's `Bridge` (version 11). */
export interface BridgeLike {
  /** The options the bridge was made with. */
  readonly opts: {
    /** Read at every event, so what is put there counts at once. */
    readonly controller: ControllerLike
    /** The homeserver's name. */
    readonly domain?: string | undefined
  }
  /** Throws before the bridge listens. */
  readonly appService: {
    /** The Express application. */
    readonly expressApp: object
  }
  /** Makes the application, and listens. */
  listen(...given: never[]): Promise<void>
}

/** Marks what has erasure, also for a second copy of this package in the same process. */
const ERASURE = Symbol.for('matrix-appservice-erasure')

/**
 * Attaches erasure to a bridge on matrix-appservice-bridge: the endpoint, on the bridge's own
 * port, and the guard that keeps late events of erased users away from its controller. May be
 * called before or after `run()` or `listen()`.
 *
 * The endpoint authenticates itself and answers before any of the bridge's own middleware runs,
 * so no access log line is written and no body parser sees the request. While the store cannot
 * be read, events are dropped rather than passed, and each is logged as an error.
 *
 * Close the bridge before the SDK, `await bridge.close(); await erasure.close()`: the guard drops
 * events that come when it can no longer ask, and a homeserver does not send them again.
 *
 * The SDK learns the homeserver's name from the bridge's `domain`, unless it was given `serverName`.
 *
 * @throws ErasureError `ALREADY_ATTACHED` if this bridge has erasure, `BRIDGE_UNSUPPORTED` if it
 *   does not look like a bridge of version 11, `REGISTRATION_INVALID` if an exclusive namespace holds
 *   everybody on the bridge's homeserver
 */
export function attachErasure(bridge: BridgeLike, erasure: Erasure): void {
  if (ERASURE in bridge) {
    throw new ErasureError('ALREADY_ATTACHED', 'This bridge has erasure already')
  }
  if (
    typeof bridge.listen !== 'function' ||
    typeof bridge.opts?.controller !== 'object'
  ) {
    throw unsupported('listen() or opts.controller is missing')
  }
  const { domain } = bridge.opts
  if (typeof domain === 'string' && isServerName(domain)) erasure.learnServerName(domain)
  Object.defineProperty(bridge, ERASURE, { value: true })
  guardController(bridge, erasure)
  const { listen } = bridge
  // `listen` makes the application before it first waits, and a bridge may listen again.
  bridge.listen = async (...given) => {
    const listening = listen.apply(bridge, given)
    try {
      mountIfReady(bridge, erasure)
    } finally {
      await listening
    }
  }
  mountIfReady(bridge, erasure)
}

function mountIfReady(bridge: BridgeLike, erasure: Erasure): void {
  let app: object & Partial<ExpressLike>
  try {
    app = bridge.appService.expressApp
  } catch {
    return
  }
  if (ERASURE in app) return
  if (typeof app.handle !== 'function')
    throw unsupported('its Express application has no handle()')
  Object.defineProperty(app, ERASURE, { value: true })
  mount(app as ExpressLike, erasure)
}

/** In front of everything the application does: routes come after its logger and body parser. */
function mount(app: ExpressLike, erasure: Erasure): void {
  const { handle } = app
  app.handle = (request, response, ...rest) => {
    if (isBehindLast(request, response)) return undefined
    if (!ERASE_PATHS.includes(splitTarget(request.url ?? '').path)) {
      return handle.call(app, request, response, ...rest)
    }
    return receiveErase(erasure, fromNode(request)).then(answer =>
      sendAnswer(request, response, answer),
    )
  }
}

function guardController(bridge: BridgeLike, erasure: Erasure): void {
  const { controller } = bridge.opts
  const { onEvent, onEphemeralEvent } = controller
  controller.onEvent = guarded(erasure, guardEvent, onEvent.bind(controller))
  if (onEphemeralEvent === undefined) return
  controller.onEphemeralEvent = guarded(
    erasure,
    guardEphemeral,
    onEphemeralEvent.bind(controller),
  )
}

/**
 * Events reach the controller in the order they came, though asking takes longer for some. A
 * dropped event is resolved: a queue that works request by request would wait for ever.
 */
function guarded(
  erasure: Erasure,
  guard: (erasure: Erasure, event: GuardedEvent) => Promise<Verdict>,
  onEvent: (request: never, context?: never) => unknown,
): (request: BridgeRequestLike, context?: never) => Promise<unknown> {
  let before: Promise<unknown> = Promise.resolve()
  return async (request, context) => {
    const verdict = judge(erasure, guard, request)
    const turn = before.then(() => verdict)
    before = turn
    if ((await turn) === 'pass') return onEvent(request as never, context)
    request.resolve(undefined)
    return undefined
  }
}

async function judge(
  erasure: Erasure,
  guard: (erasure: Erasure, event: GuardedEvent) => Promise<Verdict>,
  request: BridgeRequestLike,
): Promise<Verdict> {
  try {
    return await guard(erasure, request.getData() as GuardedEvent)
  } catch (error) {
    // Not rejected: nobody in the bridge framework catches that, and the process would end.
    erasure.logger.error('An event is dropped: whether its sender is erased is unknown', {
      code: codeOf(error),
    })
    return 'drop'
  }
}

function unsupported(what: string): ErasureError {
  return new ErasureError(
    'BRIDGE_UNSUPPORTED',
    `Expected a Bridge of matrix-appservice-bridge 11: ${what}`,
  )
}
