import type { RequestId } from '../request/request-id.ts'
import type { SourceCode } from '../request/erasure-event.ts'
import type { ErasureStore } from '../store/erasure-store.ts'
import type { SourceState } from '../store/source-documents.ts'
import {
  graceEnd,
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
export type RequestState = OpenRequestState | 'erased' | 'declined' | 'withdrawn'

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
  /** When its grace ends and the first handler is called; absent unless it is `waiting`. */
  readonly startsAt?: Date
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

/** A source, as an operator sees it. */
export interface SourceStatus {
  /** The name it has. */
  readonly name: string
  /** When its last complete scan ended; absent before the first. */
  readonly lastSuccessAt?: Date
  /** Why it does not see, or erases nobody; absent if all is well. */
  readonly code?: SourceCode
  /** Since when it has that code. */
  readonly since?: Date
  /** How many users wait for `matrix-appservice-erasure sources allow NAME`. */
  readonly heldBack: number
  /** How many accounts have been erased, but not deactivated, for over an hour. */
  readonly halfFinished: number
  /** Whether everybody whom the first scan found is accepted, or noted with `baseline`. */
  readonly firstRunDone: boolean
}

/** The result of `status`. No value in it is derived from a user ID. */
export interface ErasureStatus {
  /** The number of requests in each state; for `erased`, `declined` and `withdrawn`, the number of records. */
  readonly counts: Readonly<Record<RequestState, number>>
  /** The open requests, oldest first. */
  readonly open: readonly OpenRequestStatus[]
  /** The sources that watch, or have watched, on this store; by name. */
  readonly sources: readonly SourceStatus[]
}

/** Reads the status from the store. */
export async function readStatus(
  store: Pick<ErasureStore, 'openRequests' | 'records' | 'sources'>,
  now: number,
  targetMs: number,
  sourceNames: readonly string[] = [],
): Promise<ErasureStatus> {
  const counts: Record<RequestState, number> = {
    waiting: 0,
    accepted: 0,
    purging: 0,
    settling: 0,
    retaining: 0,
    blocked: 0,
    erased: 0,
    declined: 0,
    withdrawn: 0,
  }
  const open: OpenRequestStatus[] = []
  for await (const request of store.openRequests()) {
    const status = describeRequest(request, now, targetMs)
    counts[status.state] += 1
    open.push(status)
  }
  for await (const { outcome } of store.records()) counts[outcome] += 1
  const sources = new Map(sourceNames.map(name => [name, describeSource(name, {})]))
  for await (const { name, state } of store.sources.states()) {
    sources.set(name, describeSource(name, state))
  }
  return {
    counts,
    open,
    sources: [...sources.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

/** A source, as an operator sees it. */
export function describeSource(name: string, state: SourceState): SourceStatus {
  const { lastSuccessAt, heldBack = 0, halfFinished = 0, firstRunDone = false } = state
  const code = state.code ?? (heldBack > 0 ? 'SOURCE_HELD_BACK' : undefined)
  const since = state.code === undefined ? state.heldBackSince : state.since
  return {
    name,
    ...(lastSuccessAt !== undefined && { lastSuccessAt: new Date(lastSuccessAt) }),
    ...(code !== undefined && { code }),
    ...(since !== undefined && { since: new Date(since) }),
    heldBack,
    halfFinished,
    firstRunDone,
  }
}

function describeRequest(
  request: OpenRequest,
  now: number,
  targetMs: number,
): OpenRequestStatus {
  const dueAt = request.receivedAt + targetMs
  const startsAt = graceEnd(request)
  const waits = Object.values(request.handlers).map(({ notBefore }) => notBefore)
  const nextCall = Math.max(now, startsAt ?? now, ...waits)
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
    ...(startsAt !== undefined && { startsAt: new Date(startsAt) }),
    dueAt: new Date(dueAt),
    overdue: nextCall > dueAt || request.receivedAt > now + CLOCK_SLACK_MS,
    handlers: Object.fromEntries(handlers),
  }
}
