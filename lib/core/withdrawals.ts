import { ErasureError, isErasureError } from '../errors.ts'
import type { Clock } from '../host/clock.ts'
import { parseUserId, type UserId } from '../matrix/user-id.ts'
import type { EmitEvent } from '../request/erasure-event.ts'
import { graceEnd, type OpenRequest } from '../request/open-request.ts'
import { isRequestId, type RequestId } from '../request/request-id.ts'
import type { ErasureStore } from '../store/erasure-store.ts'
import type { UserSeal, UserTag } from '../user-seal/user-seal.ts'
import type { HandOver } from './hand-over.ts'
import type { Runner } from './runner.ts'

/** What withdrawing a request needs. */
export interface WithdrawalContext {
  readonly store: Pick<ErasureStore, 'load' | 'withdraw'>
  readonly clock: Clock
  readonly emit: EmitEvent
  readonly handOver: HandOver
  readonly recordMs: number
  readonly runner: Pick<Runner, 'forget' | 'expectOrphans'>
}

/** What it takes to find the requests of sources and operators, too. */
export interface WithdrawalsContext extends WithdrawalContext {
  readonly store: WithdrawalContext['store'] &
    Pick<
      ErasureStore,
      | 'openRequests'
      | 'openRequestsOf'
      | 'withdrawalsAsked'
      | 'isWithdrawalAsked'
      | 'clearWithdrawal'
    >
  readonly seal: Pick<UserSeal, 'unseal'>
}

/** Withdraws requests that wait in their grace. */
export class Withdrawals {
  readonly #context: WithdrawalsContext

  constructor(context: WithdrawalsContext) {
    this.#context = context
  }

  /** What `erasure.withdraw` does; see {@link withdrawRequest}. */
  withdraw(requestId: string): Promise<void> {
    return withdrawRequest(requestId, this.#context)
  }

  /**
   * Withdraws every request of this user that the source has reported and on which no work has begun.
   *
   * @returns how many were withdrawn
   * @throws ErasureError `STORE_UNREADABLE`, `STORE_UNWRITABLE`: those that were not are still open
   */
  async withdrawReported(tag: UserTag, source: string): Promise<number> {
    let count = 0
    for await (const request of this.#context.store.openRequestsOf(tag)) {
      if (!isWaitingFor(source, request)) continue
      if (await tryToWithdraw(request.id, this.#context)) count += 1
    }
    return count
  }

  /** Withdraws a request if an operator has asked for that and no work has begun. */
  async withdrawIfAsked(id: RequestId): Promise<boolean> {
    const { store } = this.#context
    if (!(await store.isWithdrawalAsked(id))) return false
    const isWithdrawn = await tryToWithdraw(id, this.#context)
    await store.clearWithdrawal(id)
    return isWithdrawn
  }

  /** Does so with every request for which an operator has asked. */
  async withdrawAsked(): Promise<void> {
    for await (const id of this.#context.store.withdrawalsAsked()) {
      await this.withdrawIfAsked(id)
    }
  }

  /**
   * The users whose requests wait in their grace and were reported by the source: each may change their
   * mind. Reads all open requests. A user with two such requests comes twice; one whose sealed user
   * ID does not open is left out.
   *
   * @throws ErasureError `STORE_UNREADABLE`
   */
  async *waiting(source: string): AsyncGenerator<UserId> {
    const { store, seal } = this.#context
    for await (const request of store.openRequests()) {
      if (!isWaitingFor(source, request)) continue
      const userId = unseal(request, seal)
      if (userId !== undefined) yield userId
    }
  }
}

/**
 * Withdraws a request on which no work has begun.
 *
 * @throws ErasureError `REQUEST_UNKNOWN`, `REQUEST_BEGUN`, `STORE_UNREADABLE`, `STORE_UNWRITABLE`
 */
export async function withdrawRequest(
  requestId: string,
  context: WithdrawalContext,
): Promise<void> {
  for (;;) {
    const { id } = await loadWaiting(context.store, requestId)
    // If not, it has changed meanwhile.
    if (await tryToWithdraw(id, context)) return
  }
}

/** @throws ErasureError `REQUEST_UNKNOWN`; `REQUEST_BEGUN` if it cannot be withdrawn */
export async function loadWaiting(
  store: Pick<ErasureStore, 'load'>,
  requestId: string,
): Promise<OpenRequest> {
  const request = await loadOpenRequest(store, requestId)
  if (graceEnd(request) !== undefined) return request
  throw new ErasureError(
    'REQUEST_BEGUN',
    `${request.id}: only a request that \`status\` shows as waiting can be withdrawn`,
    { requestId: request.id },
  )
}

/** @returns false, and nothing done, if work on it has begun or it is not open any more */
async function tryToWithdraw(
  id: RequestId,
  context: WithdrawalContext,
): Promise<boolean> {
  const { store, emit, handOver, clock, runner } = context
  for (;;) {
    const request = await store.load(id)
    if (request === undefined || graceEnd(request) === undefined) return false
    if (!(await replaceByRecord(request, context))) continue
    emit({ kind: 'withdrawn', requestId: id })
    runner.forget()
    // The scheduler finds that it is gone, and keeps nothing of it until the grace would have ended.
    await handOver(request, clock.now())
    return true
  }
}

/** @returns false, and nothing done, if the request has changed since it was loaded */
async function replaceByRecord(
  request: OpenRequest,
  { store, clock, recordMs, runner }: WithdrawalContext,
): Promise<boolean> {
  const times = { receivedAt: request.receivedAt, finishedAt: clock.now() }
  const which = { requestId: request.id, outcome: 'withdrawn' as const }
  try {
    await store.withdraw(request, { ...which, ...times, handlers: {} }, recordMs)
    return true
  } catch (error) {
    if (isErasureError(error, 'REQUEST_TAKEN')) return false
    runner.expectOrphans()
    throw error
  }
}

/** @throws ErasureError `REQUEST_UNKNOWN` */
export async function loadOpenRequest(
  store: Pick<ErasureStore, 'load'>,
  requestId: string,
): Promise<OpenRequest> {
  const request = isRequestId(requestId) ? await store.load(requestId) : undefined
  if (request !== undefined) return request
  throw new ErasureError(
    'REQUEST_UNKNOWN',
    'No open request has this id; run `status` to list the open ones',
  )
}

function isWaitingFor(source: string, request: OpenRequest): boolean {
  return request.source === source && graceEnd(request) !== undefined
}

function unseal(
  { id, sealed }: OpenRequest,
  seal: Pick<UserSeal, 'unseal'>,
): UserId | undefined {
  try {
    return parseUserId(seal.unseal(sealed, id))
  } catch {
    return undefined
  }
}
