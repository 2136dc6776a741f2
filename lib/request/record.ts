import type { RequestId } from './request-id.ts'

/** What one purge handler did in a finished request. */
export interface HandlerRecord {
  /** Found empty twice, or only asserted by a handler without `verify`. */
  readonly outcome: 'verified' | 'asserted'
  /** Order of magnitude only: an exact count can point to a heavy user. */
  readonly removed: '0' | '1+' | '10+' | '100+' | '1000+'
}

/** What remains of a finished request: no value derived from the user ID. */
export interface ErasureRecord {
  readonly requestId: RequestId
  /** `declined`: the user belongs to the application service itself (its bot or a ghost). */
  readonly outcome: 'erased' | 'declined'
  /** Milliseconds since the Unix epoch. */
  readonly receivedAt: number
  /** Milliseconds since the Unix epoch. */
  readonly finishedAt: number
  readonly handlers: Readonly<Record<string, HandlerRecord>>
}

/** The order of magnitude of a count. */
export function magnitude(count: number): HandlerRecord['removed'] {
  if (count >= 1000) return '1000+'
  if (count >= 100) return '100+'
  if (count >= 10) return '10+'
  return count >= 1 ? '1+' : '0'
}
