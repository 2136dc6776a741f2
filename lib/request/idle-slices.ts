import type { Sealed } from '../user-seal/user-seal.ts'

/** More slices than this that remove nothing, and the handler has stalled. */
export const MAX_IDLE_SLICES = 10_000
/** For each of these that a slice asks to wait, one slice is forgiven: a handler that waits does not spin. */
const FORGIVING_MS = 1000

/** Slices in a row that went on and removed nothing. */
export interface IdleSlices {
  /** How many, less those that were forgiven. */
  readonly slices: number
  /**
   * A cursor that one of them returned, sealed: if it comes again without a wait, the cursors go
   * round. Another one is taken each time their number has doubled, so that a circle of any
   * length is found (Brent's algorithm).
   */
  readonly cursor?: Sealed
}

/** Counts a slice that goes on at `cursor`; `undefined` if it removed something. */
export function countIdle(
  before: IdleSlices | undefined,
  removed: number,
  waitMs: number,
  cursor: Sealed,
): IdleSlices | undefined {
  if (removed > 0) return undefined
  const forgiven = Math.floor(waitMs / FORGIVING_MS)
  const slices = Math.max(0, (before?.slices ?? 0) + 1 - forgiven)
  if (waitMs > 0) return { slices }
  const isDoubled = Number.isInteger(Math.log2(slices))
  return { slices, cursor: isDoubled ? cursor : (before?.cursor ?? cursor) }
}
