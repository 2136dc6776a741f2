import { type Clock, systemClock } from '../../lib/host/clock.ts'
import { parseUserId } from '../../lib/matrix/user-id.ts'
import type { Json } from '../../lib/purge/handler.ts'
import type { ErasureSink, ErasureSource } from '../../lib/watch/source.ts'
import { type MemoryLog, memoryLog } from './memory-log.ts'

/** What a source has made a sink do. */
export interface FollowingSink extends ErasureSink {
  readonly logger: MemoryLog
  /** Who counts as erased; kept when the source begins again. */
  readonly erased: Set<string>
  /** Who was erased and then was not, in that order. */
  readonly lifted: string[]
  /** Who was looked at because the source said so. */
  readonly checked: string[]
  readonly failures: string[]
  /** How many lists there were, and how many rounds succeeded. */
  readonly counts: { lists: number; successes: number }
  /** What the next call of the store throws. */
  trouble: Error | undefined
}

/** A sink in memory that does what the contract says, without holding anything back. */
export function followingSink(
  source: ErasureSource,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): FollowingSink {
  const { signal } = new AbortController()
  let cursor: Json | undefined
  const settle = async (userId: string) => {
    const state = await source.look(parseUserId(userId), signal)
    if (state === 'erased') sink.erased.add(userId)
    if (state === 'present' && sink.erased.delete(userId)) sink.lifted.push(userId)
  }
  const fail = () => {
    const { trouble } = sink
    sink.trouble = undefined
    if (trouble !== undefined) throw trouble
  }
  const sink: FollowingSink = {
    clock,
    signal,
    logger: memoryLog(),
    erased: new Set(),
    lifted: [],
    checked: [],
    failures: [],
    counts: { lists: 0, successes: 0 },
    trouble: undefined,
    async compare(accounts) {
      fail()
      for await (const { userId, erased } of accounts) {
        if (erased !== sink.erased.has(userId)) await settle(userId)
      }
      sink.counts.lists += 1
    },
    async check(userId) {
      fail()
      sink.checked.push(userId)
      await settle(userId)
    },
    failed: async code => void sink.failures.push(code),
    succeeded: async () => void (sink.counts.successes += 1),
    cursor: async () => cursor,
    setCursor: async value => void (cursor = value),
  }
  return sink
}
