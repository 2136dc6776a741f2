import type { OpenRequest } from '../../lib/request/open-request.ts'
import { type ErasureStore, openErasureStore } from '../../lib/store/erasure-store.ts'
import { standInId, standInTag } from '../../lib/testing/engines/stand-ins.ts'
import type { Sealed } from '../../lib/user-seal/user-seal.ts'
import { type FakeClock, fakeClock } from './fake-clock.ts'
import { memoryStore } from './memory-store.ts'

/** A year. */
export const YEAR_MS = 365 * 24 * 60 * 60 * 1000
const lifetimes = { recordMs: YEAR_MS, tombstoneMs: 1000 }
/** Whose requests these are. */
export const tag = standInTag('tag-1')
/** An open request of theirs. */
export const request = (id: string): OpenRequest => ({
  id: standInId(id),
  tag,
  sealed: 'sealed' as Sealed,
  receivedAt: 5,
  held: true,
  handlers: {},
})
export const [one, other] = [request('request-1'), request('request-2')]
/** Ends a request as carried out. */
export const finish = (
  store: ErasureStore,
  finished: OpenRequest,
  change = {},
): Promise<void> =>
  store.finish(
    finished,
    {
      requestId: finished.id,
      outcome: 'erased',
      receivedAt: 5,
      finishedAt: 6,
      handlers: {},
    },
    { ...lifetimes, ...change },
  )

/** Ends a request as withdrawn. */
export const withdraw = (store: ErasureStore, withdrawn: OpenRequest): Promise<void> =>
  store.withdraw(
    withdrawn,
    {
      requestId: withdrawn.id,
      outcome: 'withdrawn',
      receivedAt: 5,
      finishedAt: 6,
      handlers: {},
    },
    YEAR_MS,
  )

/** Has every write at a tombstone fail, until it is repaired. */
export function cutAtTombstones(adapter: ReturnType<typeof memoryStore>): () => void {
  const { writeIf, set, delete: remove } = adapter
  const check = (key: string) => {
    if (key.includes('tombstone')) throw new Error('the power is cut')
  }
  adapter.set = async (key, value, ttl) => {
    check(key)
    return set(key, value, ttl)
  }
  adapter.delete = async key => {
    check(key)
    return remove(key)
  }
  if (writeIf !== undefined) {
    adapter.writeIf = async write => {
      check(write.expected.key)
      return writeIf(write)
    }
  }
  return () => Object.assign(adapter, { set, delete: remove }, writeIf && { writeIf })
}

/** A store in memory. */
export function setUp(conditional: boolean): {
  clock: FakeClock
  adapter: ReturnType<typeof memoryStore>
  store: ErasureStore
} {
  const clock = fakeClock()
  const adapter = memoryStore(conditional, clock)
  return { clock, adapter, store: openErasureStore(adapter, true, clock) }
}
