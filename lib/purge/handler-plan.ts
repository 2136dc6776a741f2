import { ErasureError } from '../errors.ts'
import type { PlannedHandler } from '../request/next-step.ts'
import type { RetryOptions } from '../request/transitions.ts'
import type { PurgeFunction, PurgeHandler } from './handler.ts'

/** A registered handler with its options filled in. */
export interface RegisteredHandler extends PlannedHandler {
  readonly handler: PurgeHandler
  readonly retry: RetryOptions
  readonly timeoutMs: number
}

/** Handlers in an order in which each comes after those it names in `after`. */
export type HandlerPlan = readonly RegisteredHandler[]

const NAME = /^[a-z][a-z0-9-]{0,63}$/
const OPTIONS = new Set(['purge', 'verify', 'after', 'retry', 'timeoutMs'])
const RETRY: RetryOptions = { attempts: 8, baseMs: 1000, capMs: 3_600_000 }

/**
 * Checks a handler and fills in its options.
 *
 * @throws TypeError where the name or an option is not what it should be
 */
export function registerHandler(
  name: string,
  given: PurgeHandler | PurgeFunction,
): RegisteredHandler {
  if (!NAME.test(name)) {
    throw new TypeError(
      `Expected a handler name like "direct-rooms", got ${JSON.stringify(name)}`,
    )
  }
  const handler = typeof given === 'function' ? { purge: given } : given
  if (typeof handler?.purge !== 'function') {
    throw new TypeError(`Expected \`purge\` of handler ${name} to be a function`)
  }
  // Methods may live on a prototype, so only own properties can be mistyped options.
  const unknown = Object.keys(handler).find(key => !OPTIONS.has(key) && isPlain(handler))
  if (unknown !== undefined) {
    throw new TypeError(`Unknown option \`${unknown}\` of handler ${name}`)
  }
  const retry = { ...RETRY, ...handler.retry }
  const timeoutMs = handler.timeoutMs ?? 60_000
  for (const [option, value] of Object.entries({ ...retry, timeoutMs })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new TypeError(
        `Expected \`${option}\` of handler ${name} to be an integer >= 1, got ${value}`,
      )
    }
  }
  const verifies = handler.verify !== undefined
  return { name, handler, after: handler.after ?? [], verifies, retry, timeoutMs }
}

/**
 * Orders handlers by `after`; those that do not depend on each other keep their order.
 *
 * @throws ErasureError `NO_HANDLERS`, or `HANDLER_ORDER` for an unknown name or a circle
 */
export function orderHandlers(handlers: readonly RegisteredHandler[]): HandlerPlan {
  if (handlers.length === 0) {
    throw new ErasureError(
      'NO_HANDLERS',
      'No purge handler is registered, so every request would count as erased; call onUserErase',
    )
  }
  const plan: RegisteredHandler[] = []
  const waiting = new Set(handlers)
  while (waiting.size > 0) {
    const next = [...waiting].find(({ after }) =>
      after.every(name => plan.some(placed => placed.name === name)),
    )
    if (next === undefined) throw orderError(handlers, [...waiting])
    waiting.delete(next)
    plan.push(next)
  }
  return plan
}

function orderError(
  handlers: readonly RegisteredHandler[],
  stuck: readonly RegisteredHandler[],
): ErasureError {
  const names = new Set(handlers.map(handler => handler.name))
  for (const { name, after } of stuck) {
    const missing = after.find(other => !names.has(other))
    if (missing === undefined) continue
    return new ErasureError(
      'HANDLER_ORDER',
      `Handler ${name} must run after ${missing}, which is not registered`,
      { handlers: [name], missing },
    )
  }
  const circle = stuck.map(handler => handler.name)
  return new ErasureError(
    'HANDLER_ORDER',
    `Handlers wait for each other: ${circle.join(', ')}`,
    { handlers: circle },
  )
}

function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype
}
