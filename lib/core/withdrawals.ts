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

/** What withdrawing requests needs. */
export interface WithdrawalContext {
  readonly store: Pick<
    ErasureStore,
    'load' | 'withdraw' | 'openRequests' | 'openRequestsOf'
  >
  readonly seal: Pick<UserSeal, 'unseal'>
  readonly clock: Clock
  readonly emit: EmitEvent
  readonly handOver: HandOver
  readonly recordMs: number
  readonly runner: Pick<Runner, 'forget' | 'expectOrphans'>
}

/** Withdraws requests that wait in their grace. */
export class Withdrawals {
  readonly #context: WithdrawalContext

  constructor(context: WithdrawalContext) {
    this.#context = context
  }

  /**
   * What `erasure.withdraw` does.
   *
   * @throws ErasureError `REQUEST_UNKNOWN`, `REQUEST_BEGUN`, `STORE_UNREADABLE`, `STORE_UNWRITABLE`
   */
  async withdraw(requestId: string): Promise<void> {
    const { store } = this.#context
    const { id } = await loadOpenRequest(store, requestId)
    if (await this.#tryToWithdraw(id)) return
    // Throws if it was finished meanwhile.
    await loadOpenRequest(store, id)
    throw new ErasureError(
      'REQUEST_BEGUN',
      `${id}: this request cannot be withdrawn: only one that \`status\` shows as waiting can`,
      { requestId: id },
    )
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
      if (await this.#tryToWithdraw(request.id)) count += 1
    }
    return count
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

  /** @returns false, and nothing done, if work on it has begun or it is not open any more */
  async #tryToWithdraw(id: RequestId): Promise<boolean> {
    const { store, emit, handOver, clock, runner } = this.#context
    for (;;) {
      const request = await store.load(id)
      if (request === undefined || graceEnd(request) === undefined) return false
      if (!(await this.#replace(request))) continue
      emit({ kind: 'withdrawn', requestId: id })
      runner.forget()
      // The scheduler finds that it is gone, and keeps nothing of it until the grace would have ended.
      await handOver(request, clock.now())
      return true
    }
  }

  /** @returns false, and nothing done, if the request has changed since it was loaded */
  async #replace(request: OpenRequest): Promise<boolean> {
    const { store, recordMs, runner } = this.#context
    try {
      await store.withdraw(request, this.#record(request), recordMs)
      return true
    } catch (error) {
      if (isErasureError(error, 'REQUEST_TAKEN')) return false
      runner.expectOrphans()
      throw error
    }
  }

  #record({ id, receivedAt }: OpenRequest) {
    const times = { receivedAt, finishedAt: this.#context.clock.now() }
    return { requestId: id, outcome: 'withdrawn' as const, ...times, handlers: {} }
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
