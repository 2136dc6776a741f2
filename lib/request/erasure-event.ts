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

/** What may be said of an error that somebody else's code threw. Never its message. */
export interface ErrorDescription {
  /** The name of its class, or the type of what is no error. */
  readonly thrown: string
  /** A code of Node, SQLite or PostgreSQL. */
  readonly code?: string | undefined
  /** Where in the source it was thrown. */
  readonly at?: string | undefined
}

/** What is told of each kind of event. */
export interface ErasureEventFacts {
  /** The request is durable. */
  accepted: OfRequest
  /** The user is one of the application service's own: recorded, and left alone. */
  declined: OfRequest
  /** A handler was called; what came of it is stored next. */
  stepped: OfHandler & {
    /** What it was called for. */
    readonly step: 'purge' | 'verify'
  }
  /** A handler failed, or left something, and is called again by itself. */
  retrying: OfHandler & HandlerFailed
  /** A handler is out of attempts: called again daily, and by `retry`. */
  blocked: OfHandler & HandlerFailed
  /** All that is left of the request is what handlers must keep for now. */
  retaining: OfRequest & {
    /** When the first of it may go. */
    readonly until: Date
  }
  /** The request is finished, and its record is durable. */
  erased: OfRequest
  /** A handler threw; a `retrying` or `blocked` follows. */
  'handler threw': OfHandler & ErrorDescription
  /** `allow` threw, so a request was not accepted. */
  'allow threw': ErrorDescription
  /** A stored cursor does not unseal; the handler starts over. */
  'cursor broken': OfHandler
  /** The sealed user ID does not open; the request is blocked until a person looks. */
  'seal broken': OfRequest & Failed
  /** Another process works on the request. */
  'request taken': OfRequest
  /** A request could not be worked on, since the store failed perhaps; it is tried again. */
  'work failed': OfRequest & Failed
  /** The scheduler did not take a request; the next sweep tries again. */
  'schedule failed': OfRequest & Failed
  /** Open requests could not be read; the next sweep tries again. */
  'sweep failed': Failed
  /** What was deleted is still in the store's log: somebody reads it. The store goes on trying. */
  'forgetting delayed': object
}

/**
 * Something that happened, told to `onEvent` and to the log. Only ids, names and codes: nothing in
 * it is, or is derived from, a user ID or a token (promise 5).
 *
 * The type lives with the requests because both purge and core tell of them.
 */
export type ErasureEvent = {
  [Kind in keyof ErasureEventFacts]: {
    /** What happened. */
    readonly kind: Kind
  } & Readonly<ErasureEventFacts[Kind]>
}[keyof ErasureEventFacts]

/** Told what happens. */
export type EmitEvent = (event: ErasureEvent) => void
