import type { RequestId } from '../request/request-id.ts'
import { codeOf, ErasureError } from '../errors.ts'
import { parseUserId } from '../matrix/user-id.ts'
import type { OpenRequest } from '../request/open-request.ts'
import { bringUpToDate } from '../request/bring-up-to-date.ts'
import type { Subject } from './call-handler.ts'
import type { PurgeServices } from './purge-services.ts'

/** A request that is ready to be worked on. */
export interface ClaimedRequest {
  readonly request: OpenRequest
  /** Absent if the sealed user ID does not open. */
  readonly subject: Subject | undefined
}

/**
 * Loads a request and applies what changed while no process worked on it: handlers added or removed,
 * a retention that ended, a clock that was wrong, a retry that was asked for. Stores that, and the
 * claim on the request, before it returns. From then on, a process that loaded the request earlier and
 * was stopped in the middle of its work can no longer write.
 *
 * @throws ErasureError `REQUEST_TAKEN` if another process has begun at the same time,
 *   `KEY_MISMATCH` if it cannot be unsealed because this process's key is not the store's
 */
export async function claimRequest(
  id: RequestId,
  services: PurgeServices,
): Promise<ClaimedRequest | undefined> {
  const { store, clock, plan, settleMs } = services
  // In parallel: on a database, that is one round trip.
  const [stored, retry] = await Promise.all([store.load(id), store.isRetryAsked(id)])
  if (stored === undefined) return undefined
  const subject = await unsealSubject(stored, services)
  const now = clock.now()
  const current = bringUpToDate(stored, plan, retry, now, settleMs)
  const mine = {
    ...current,
    claims: (stored.claims ?? 0) + 1,
    workedAt: now,
    held: true,
  }
  const request = subject === undefined ? { ...mine, broken: true } : mine
  if (stored.held !== true) await store.hold(stored)
  await store.save(request, stored)
  // Only now: a crash before the line above must not lose the operator's retry.
  if (retry) await store.clearRetry(id)
  return { request, subject }
}

async function unsealSubject(
  request: OpenRequest,
  services: PurgeServices,
): Promise<Subject | undefined> {
  const { seal, emit } = services
  try {
    const userId = parseUserId(seal.unseal(request.sealed, request.id))
    return { userId, requestId: request.id, receivedAt: new Date(request.receivedAt) }
  } catch (error) {
    await checkKey(services)
    emit({ kind: 'seal broken', requestId: request.id, code: codeOf(error) })
    return undefined
  }
}

/** The store may have been restored, or created again, while this process was running. */
async function checkKey({ store, seal }: PurgeServices): Promise<void> {
  const known = await store.keyCheck()
  if (known === undefined || known === seal.keyCheck) return
  throw new ErasureError(
    'KEY_MISMATCH',
    'wrong key: the store was created with a different one. Restart this process with the ' +
      'original key; nothing has been changed',
  )
}
