import type { PurgeResult } from '../../../lib/purge/handler.ts'
import type { BridgeData } from './bridge-data.ts'
import type { HandlerName, PurgeMove, VerifyMove } from './steps.ts'
import type { Ending } from './task.ts'

/** A move that ends by itself: `answer` gives what the handler returns, or throws. */
export interface Played {
  readonly ending: Ending
  readonly answer: () => unknown
}

/** Where slices go on. It names the user, as a careless bridge's would. */
export interface Cursor extends Record<string, string | number> {
  readonly of: string
  readonly left: number
}

/** Whose data a call is about. */
export interface Place {
  readonly data: BridgeData
  readonly handler: HandlerName
  readonly userId: string
  readonly receivedAt: number
  readonly now: number
}

const circle: Record<string, unknown> = {}
circle['self'] = circle
const trap = {
  get removed() {
    throw new Error('read me not')
  },
}
const until = new Date(Date.UTC(2100))
const why = 'archiving'

/** What no `purge` may return. */
export const PURGE_NONSENSE: readonly unknown[] = [
  7,
  'done',
  null,
  { mroe: 1 },
  { removed: -1 },
  { removed: Number.NaN },
  { more: circle },
  { more: 'x'.repeat(20_000) },
  { more: 1, waitMs: -1 },
  { more: 1, waitMs: Infinity },
  { more: 1, waitMs: 1e300 },
  { retained: [{ what: 'quokka_a', why, count: 1, until }] },
  { retained: [{ what: 'rows', why: 'because', count: 1, until }] },
  { retained: [{ what: 'rows', why, count: 1, until: new Date(0) }] },
  { retained: [{ what: 'rows', why, count: 1, until: 'never' }] },
  { retained: [null] },
  trap,
]
/** What no `verify` may return. */
export const VERIFY_NONSENSE: readonly unknown[] = [Number.NaN, -1, 1.5, 'none', null, {}]

/** What a `purge` does to the data and says about it; never for a move that hangs. */
export function playPurge(move: PurgeMove, place: Place, cursor?: Cursor): Played {
  if (move === 'fail' || move === 'throw') return failure('PURGE_FAILED', place)
  if (typeof move === 'object') {
    if ('nonsense' in move) {
      const value = PURGE_NONSENSE[move.nonsense % PURGE_NONSENSE.length]
      return { ending: { how: 'failed', code: 'PURGE_INVALID' }, answer: () => value }
    }
    if ('slices' in move) return slice(place, move.slices)
    if ('waitMs' in move) return more(place, { removed: remove(place, 1) }, move.waitMs)
    const keepUntil = place.now + move.retainMs
    place.data.keepOne(place.handler, place.userId, place.receivedAt, keepUntil)
    return done(place)
  }
  if (move === 'nothing') return said({ removed: 0 })
  if (move === 'half') return said({ removed: remove(place, Math.ceil(left(place) / 2)) })
  if (move === 'same cursor') {
    const same = cursor ?? { of: place.userId, left: 1 }
    return said({ removed: 0, more: same })
  }
  return cursor !== undefined && cursor.left > 0 ? slice(place, cursor.left) : done(place)
}

/** What a `verify` says; never for a move that hangs. */
export function playVerify(move: VerifyMove, place: Place): Played {
  if (move === 'fail' || move === 'throw') return failure('VERIFY_FAILED', place)
  if (typeof move === 'object') {
    const value = VERIFY_NONSENSE[move.nonsense % VERIFY_NONSENSE.length]
    return { ending: { how: 'failed', code: 'VERIFY_INVALID' }, answer: () => value }
  }
  const count = left(place) + (move === 'one more' ? 1 : 0)
  return { ending: { how: 'looked', left: count }, answer: () => count }
}

function failure(code: string, { userId }: Place): Played {
  const answer = () => {
    throw new Error(`${userId} cannot be found`)
  }
  return { ending: { how: 'failed', code }, answer }
}

function slice(place: Place, slices: number): Played {
  if (slices <= 1) return done(place)
  const next = { of: place.userId, left: slices - 1 }
  return said({ removed: remove(place, 1), more: next })
}

function more(place: Place, result: PurgeResult, waitMs: number): Played {
  // Another cursor each time.
  const next = { of: place.userId, left: 0, at: place.now }
  return said({ ...result, more: next, waitMs })
}

/** Removes everything that need not be kept, and says what is. */
function done(place: Place): Played {
  const { data, handler, userId, receivedAt, now } = place
  const removed = remove(place, Infinity)
  const kept = data.keptUntil(handler, userId, receivedAt, now)
  if (kept.length === 0) return said({ removed })
  const item = { what: 'invoices', why: 'legal-obligation', count: kept.length } as const
  return said({ removed, retained: [{ ...item, until: new Date(Math.min(...kept)) }] })
}

function said(result: PurgeResult): Played {
  const { removed = 0, more: next, waitMs = 0, retained = [] } = result
  const kept = retained.map(({ count, until: end }) => ({ count, until: end.getTime() }))
  const ending = { how: 'purged', removed, waitMs, retained: kept } as const
  const goesOn = next === undefined ? {} : { more: JSON.stringify(next) }
  return { ending: { ...ending, ...goesOn }, answer: () => result }
}

function remove({ data, handler, userId, receivedAt, now }: Place, most: number): number {
  return data.remove(handler, userId, receivedAt, now, most)
}

function left({ data, handler, userId, receivedAt }: Place): number {
  return data.count(handler, userId, receivedAt)
}
