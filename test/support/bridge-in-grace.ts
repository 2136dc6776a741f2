import { createErasure } from '../../lib/core/create-erasure.ts'
import type { Erasure } from '../../lib/core/erasure.ts'
import type { ErasureEvent } from '../../lib/request/erasure-event.ts'
import type { RequestId } from '../../lib/request/request-id.ts'
import { inProcessScheduler } from '../../lib/schedule/in-process.ts'
import { acceptInGrace } from './accept-in-grace.ts'
import { type FakeClock, fakeClock } from './fake-clock.ts'
import { type MemoryStore, memoryStore } from './memory-store.ts'
import { volatile } from './open-erasure.ts'

const HOUR_MS = 3_600_000

/** The key of its store. */
export const key = Buffer.alloc(32)
/** How its source reports. */
export const inGrace = { source: 'synapse', graceMs: HOUR_MS }

/** A bridge whose store is in memory, with one handler. */
export interface Bridge {
  readonly erasure: Erasure
  readonly clock: FakeClock
  readonly store: MemoryStore
  readonly events: ErasureEvent[]
  /** When `purge` was called, in milliseconds after the start. */
  readonly calls: number[]
  /** Takes a request in as a source does. */
  accept(userId: string, options?: typeof inGrace): Promise<RequestId>
}

/** Opens a bridge, not yet started. */
export async function openBridge(more: Partial<Bridge> = {}): Promise<Bridge> {
  const { clock = fakeClock(), store = memoryStore(true, clock) } = more
  const events: ErasureEvent[] = []
  const calls: number[] = []
  const scheduler = inProcessScheduler({ clock })
  const onEvent = (event: ErasureEvent) => events.push(event)
  const options = { clock, store, scheduler, onEvent, settleMs: 0 }
  const erasure = await createErasure(volatile(options))
  const start = clock.now()
  erasure.onUserErase('messages', async () => void calls.push(clock.now() - start))
  const parts = { store, key, clock, scheduler }
  const accept = (userId: string, given = inGrace) => acceptInGrace(userId, given, parts)
  return { erasure, clock, store, events, calls, accept }
}
