import type { Json } from '../../lib/purge/handler.ts'
import type { Account, ErasureSink } from '../../lib/watch/source.ts'
import { type FakeClock, fakeClock } from './fake-clock.ts'
import { type MemoryLog, memoryLog } from './memory-log.ts'

/** A sink that decides nothing, and remembers what it was told. */
export interface RecordingSink extends ErasureSink {
  readonly clock: FakeClock
  /** How far the clock has been set ahead; no timer fires because of it. */
  aheadMs: number
  readonly log: MemoryLog
  /** Every list that was read to its end. */
  readonly lists: Account[][]
  /** `succeeded`, or the code of a failure. */
  readonly outcomes: string[]
  /** The last cursor. */
  stored: Json | undefined
  /** What `compare` throws after a list, as a store that fails does. */
  storeError: Error | undefined
  abort(): void
}

export function recordingSink(): RecordingSink {
  const stop = new AbortController()
  const log = memoryLog()
  const real = fakeClock()
  const clock = Object.create(real, {
    now: { value: () => real.now() + sink.aheadMs },
  }) as FakeClock
  const sink: RecordingSink = {
    clock,
    aheadMs: 0,
    log,
    logger: log,
    signal: stop.signal,
    lists: [],
    outcomes: [],
    stored: undefined,
    storeError: undefined,
    abort: () => stop.abort(),
    async compare(accounts) {
      const list = []
      for await (const account of accounts) list.push(account)
      if (sink.storeError !== undefined) throw sink.storeError
      sink.lists.push(list)
    },
    async check() {},
    failed: async code => void sink.outcomes.push(code),
    succeeded: async () => void sink.outcomes.push('succeeded'),
    cursor: async () => sink.stored,
    async setCursor(value) {
      sink.stored = value
    },
  }
  return sink
}
