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
  /** Why its last step failed. */
  readonly code?: HandlerErrorCode
  /** How often in a row. */
  readonly failures: number
  /** Since when it has removed nothing: when it last did, or else when it began. */
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
   * Whether that has passed; also if a handler is not called again before, or if the request was
   * received at a time that is still to come, since the clock was wrong.
   */
  readonly overdue: boolean
  /** By the names they were registered with. */
  readonly handlers: Readonly<Record<string, HandlerStatus>>
}

/** What `status` answers. No value in it is derived from a user ID. */
export interface ErasureStatus {
  /** One count per state. `erased` and `declined` count the records that are kept. */
  readonly counts: Readonly<Record<RequestState, number>>
  /** Oldest first. */
  readonly open: readonly OpenRequestStatus[]
}

/** Reads the status off the store. */
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
