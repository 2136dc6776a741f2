import { codeOf } from '../errors.ts'
import type { EmitEvent } from '../request/erasure-event.ts'
import type { OpenRequest } from '../request/open-request.ts'
import type { Scheduler } from '../schedule/scheduler.ts'

/** Hands a request to the scheduler; if that fails, the next sweep does it. Never rejects. */
export type HandOver = (request: OpenRequest, at: number) => Promise<void>

/** Makes the function that hands requests over, and reports when it fails. */
export function createHandOver(scheduler: Scheduler, emit: EmitEvent): HandOver {
  return async ({ id, tag }, at) => {
    try {
      await scheduler.schedule(id, new Date(at), tag)
    } catch (error) {
      emit({ kind: 'schedule failed', requestId: id, code: codeOf(error) })
    }
  }
}
