import type { ErasureErrorCode } from '../errors.ts'
import type { HandlerErrorCode } from './open-request.ts'
import type { RequestId } from './request-id.ts'

interface OfRequest {
  /** Random, and safe to log. */
  readonly requestId: RequestId
}

interface OfHandler extends OfRequest {
  /** The name the handler was registered with. */
  readonly handler: string
}

interface HandlerFailed {
  /** Why, in our own codes. */
  readonly code: HandlerErrorCode
}

interface Failed {
  /** Why, in our own codes; `UNKNOWN` for an error that is not ours. */
  readonly code: ErasureErrorCode | 'UNKNOWN'
}

/** What is safe to say about an error that other code threw. Never its message. */
export interface ErrorDescription {
  /** The name of its class, or the type of the value if it is not an error. */
  readonly thrown: string
  /** A code of Node, SQLite or PostgreSQL. */
  readonly code?: string | undefined
  /** Where in the source it was thrown. */
  readonly at?: string | undefined
}

/** The facts of each kind of event. */
export interface ErasureEventFacts {
  /** The request is durable. */
  accepted: OfRequest
  /** The user is the application service's own bot or ghost: recorded, and not erased. */
  declined: OfRequest
  /** A handler was called; the result is stored next. */
  stepped: OfHandler & {
    /** What it was called for. */
    readonly step: 'purge' | 'verify'
  }
  /** A handler failed, or left something, and will be called again. */
  retrying: OfHandler & HandlerFailed
  /** A handler is out of attempts: it is called again daily, and by `retry`. */
  blocked: OfHandler & HandlerFailed
  /** Only items that handlers must keep for now are left of the request. */
  retaining: OfRequest & {
    /** When the first of these items may be removed. */
    readonly until: Date
  }
  /** The request is finished, and its record is durable. */
  erased: OfRequest
  /** A handler threw; a `retrying` or `blocked` follows. */
  'handler threw': OfHandler & ErrorDescription
  /** `allow` threw, so a request was not accepted. */
  'allow threw': ErrorDescription
  /** A stored cursor cannot be unsealed; the handler starts over. */
  'cursor broken': OfHandler
  /** The sealed user ID cannot be opened; the request is blocked until an operator looks at it. */
  'seal broken': OfRequest & Failed
  /** Another process is working on the request. */
  'request taken': OfRequest
  /** Work on a request failed, perhaps because the store failed; it is tried again. */
  'work failed': OfRequest & Failed
  /** The scheduler did not take a request; the next sweep tries again. */
  'schedule failed': OfRequest & Failed
  /** Open requests could not be read; the next sweep tries again. */
  'sweep failed': Failed
  /** Deleted data is still in the store's log, perhaps because it is being read. The store retries. */
  'forgetting delayed': object
}

/**
 * Something that happened, reported to `onEvent` and to the log. Contains only ids, names and codes:
 * nothing in it is, or is derived from, a user ID or a token (promise 5).
 *
 * The type is here, with the requests, because both purge and core emit events.
 */
export type ErasureEvent = {
  [Kind in keyof ErasureEventFacts]: {
    /** What happened. */
    readonly kind: Kind
  } & Readonly<ErasureEventFacts[Kind]>
}[keyof ErasureEventFacts]

/** Receives events. */
export type EmitEvent = (event: ErasureEvent) => void
