import type { Tasks } from './tasks.ts'

/** One call of a handler. */
export interface Call {
  readonly requestId: string
  readonly handler: string
  readonly kind: 'purge' | 'verify'
  readonly userId: string
  readonly receivedAt: number
  /** As JSON. */
  readonly cursor: string | undefined
  readonly attempt: number | undefined
  /** How much had arrived in the bridge's data when the call began. */
  readonly arrivals: number
}

export interface ModelRequest {
  readonly id: string
  readonly user: string
  readonly receivedAt: number
  /** No handler may be called before; until one may have been, it can be withdrawn. */
  readonly graceUntil: number | undefined
  /** Where the process is that works on it. */
  tasks: Tasks
  /** What is stored: where the next process goes on. */
  kept: Tasks
  /** A call has ended, and what came of it is not stored yet. */
  unstored: boolean
  retryAsked: boolean
  recorded: boolean
  withdrawn: boolean
  gone: boolean
}

/** Whether it has a grace, and nothing is stored of any handler. */
export function isWaiting({ graceUntil, kept }: ModelRequest): boolean {
  return graceUntil !== undefined && Object.keys(kept).length === 0
}
