import type { Clock } from '../host/clock.ts'
import { type Logger, redactingLogger } from '../host/logger.ts'
import type { UserId } from '../matrix/user-id.ts'
import type { EmitEvent } from '../request/erasure-event.ts'
import type { HandlerErrorCode } from '../request/open-request.ts'
import type { RequestId } from '../request/request-id.ts'
import { describeError } from './describe-error.ts'
import type { Json, VerifyContext } from './handler.ts'
import type { RegisteredHandler } from './handler-plan.ts'
import { type CheckedResult, checkResult, isCount } from './check-result.ts'

/** The request a handler is called for. */
export interface Subject {
  readonly userId: UserId
  readonly requestId: RequestId
  readonly receivedAt: Date
}

/** What calling handlers needs, besides the handler. */
export interface CallContext {
  readonly subject: Subject
  readonly clock: Clock
  /** Aborts when the SDK closes. */
  readonly signal: AbortSignal
  readonly log: Logger
  readonly emit: EmitEvent
  /** Takes the user out of a text, in every form. */
  readonly redact: (text: string) => string
}

/** How a call of `purge` ended. `aborted`: the SDK is closing, and nothing failed. */
export type PurgeOutcome = CheckedResult | HandlerErrorCode | 'aborted'
/** How a call of `verify` ended: items left, a failure, or the SDK is closing. */
export type VerifyOutcome = number | HandlerErrorCode | 'aborted'

/** Calls `purge` once. Whatever it does, this resolves and reveals nothing about the user. */
export async function callPurge(
  registered: RegisteredHandler,
  context: CallContext,
  slice: { readonly cursor?: Json; readonly attempt: number },
): Promise<PurgeOutcome> {
  const ended = await call(context, registered, given =>
    registered.handler.purge({ ...given, ...slice }),
  )
  if (ended.how === 'aborted') return 'aborted'
  if (ended.how !== 'returned') return `PURGE_${ended.how}`
  try {
    const { redact, clock } = context
    const namesUser = (text: string) => redact(text) !== text
    return checkResult(ended.value, namesUser, clock.now()) ?? 'PURGE_INVALID'
  } catch {
    // A result with a property that throws when it is read.
    return 'PURGE_INVALID'
  }
}

/** Calls `verify` once; `handler.verify` must exist. */
export async function callVerify(
  registered: RegisteredHandler,
  context: CallContext,
): Promise<VerifyOutcome> {
  const ended = await call(context, registered, given =>
    registered.handler.verify?.(given),
  )
  if (ended.how === 'aborted') return 'aborted'
  if (ended.how !== 'returned') return `VERIFY_${ended.how}`
  return isCount(ended.value) ? ended.value : 'VERIFY_INVALID'
}

type Ended =
  | { readonly how: 'returned'; readonly value: unknown }
  | { readonly how: 'FAILED' | 'TIMEOUT' | 'aborted' }

/**
 * Calls `body` with a context of its own and waits for the answer, the timeout or the abort,
 * whichever comes first. A late answer or rejection is ignored.
 */
async function call(
  { subject, clock, signal, log, redact, emit }: CallContext,
  { name, timeoutMs }: RegisteredHandler,
  body: (context: VerifyContext) => unknown,
): Promise<Ended> {
  const abort = new AbortController()
  const first = Promise.withResolvers<Ended>()
  const stop = (how: 'TIMEOUT' | 'aborted') => {
    first.resolve({ how })
    abort.abort()
  }
  const cancelTimeout = clock.setTimer(() => stop('TIMEOUT'), timeoutMs)
  const onClose = () => stop('aborted')
  signal.addEventListener('abort', onClose)
  if (signal.aborted) onClose()
  const context = { ...subject, signal: abort.signal, log: redactingLogger(log, redact) }
  const answer = new Promise(resolve => resolve(body(context)))
  answer.then(
    value => first.resolve({ how: 'returned', value }),
    error => {
      const { requestId } = subject
      const description = describeError(error, redact)
      emit({ kind: 'handler threw', requestId, handler: name, ...description })
      first.resolve({ how: 'FAILED' })
    },
  )
  try {
    return await first.promise
  } finally {
    cancelTimeout()
    signal.removeEventListener('abort', onClose)
  }
}
