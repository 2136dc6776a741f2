import type { RequestId } from '../request/request-id.ts'
import type { ErasureStore } from '../store/erasure-store.ts'
import {
  type HandlerErrorCode,
  type HandlerState,
  handlerState,
  type OpenRequest,
  type OpenRequestState,
  requestState,
} from '../request/open-request.ts'

/** How far clocks may differ before one of them is wrong. */
const CLOCK_SLACK_MS = 60_000

/** Every state a request can be in. */
export type RequestState = OpenRequestState | 'erased' | 'declined'

/** How far a handler is with an open request. */
export interface HandlerStatus {
  /** Where it stands. */
  readonly state: HandlerState
  /** Why its last step failed; absent if it did not. */
  readonly code?: HandlerErrorCode
  /** How many times in a row it has failed. */
  readonly failures: number
  /** When it last removed something, or else when it began. */
  readonly progressAt: Date
}

/** An open request, as an operator sees it. */
export interface OpenRequestStatus {
  /** Random, and safe to log. */
  readonly requestId: RequestId
  /** Where it stands; `blocked` hides the others. */
  readonly state: OpenRequestState
  /** When it was received. */
  readonly receivedAt: Date
  /** When it becomes overdue. */
  readonly dueAt: Date
  /**
   * Whether `dueAt` has passed. Also true if a handler will not be called again before `dueAt`, or if
   * `receivedAt` is in the future because the clock was wrong.
   */
  readonly overdue: boolean
  /** Each handler's status, by the name it was registered with. */
  readonly handlers: Readonly<Record<string, HandlerStatus>>
}

/** The result of `status`. No value in it is derived from a user ID. */
export interface ErasureStatus {
  /** The number of requests in each state; for `erased` and `declined`, the number of records. */
  readonly counts: Readonly<Record<RequestState, number>>
  /** The open requests, oldest first. */
  readonly open: readonly OpenRequestStatus[]
}

/** Reads the status from the store. */
export async function readStatus(
  store: Pick<ErasureStore, 'openRequests' | 'records'>,
  now: number,
  targetMs: number,
): Promise<ErasureStatus> {
  const counts: Record<RequestState, number> = {
    accepted: 0,
    purging: 0,
    settling: 0,
    retaining: 0,
    blocked: 0,
    erased: 0,
    declined: 0,
  }
  const open: OpenRequestStatus[] = []
  for await (const request of store.openRequests()) {
    const status = describeRequest(request, now, targetMs)
    counts[status.state] += 1
    open.push(status)
  }
  for await (const { outcome } of store.records()) counts[outcome] += 1
  return { counts, open }
}

function describeRequest(
  request: OpenRequest,
  now: number,
  targetMs: number,
): OpenRequestStatus {
  const dueAt = request.receivedAt + targetMs
  const waits = Object.values(request.handlers).map(({ notBefore }) => notBefore)
  const handlers = Object.entries(request.handlers).map(([name, progress]) => {
    const { code, failures } = progress
    const progressAt = new Date(progress.progressAt ?? request.receivedAt)
    const status = { state: handlerState(progress), failures, progressAt }
    return [name, code === undefined ? status : { ...status, code }] as const
  })
  return {
    requestId: request.id,
    state: requestState(request),
    receivedAt: new Date(request.receivedAt),
    dueAt: new Date(dueAt),
    overdue: Math.max(now, ...waits) > dueAt || request.receivedAt > now + CLOCK_SLACK_MS,
    handlers: Object.fromEntries(handlers),
  }
}
