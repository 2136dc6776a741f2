import {
  type Json,
  RETAINED_REASONS,
  type Retained,
  type RetainedReason,
} from './handler.ts'
import type { StoredRetained } from '../request/open-request.ts'
import type { SliceResult } from '../request/transitions.ts'

/** The longest cursor, as JSON. What does not fit belongs in the handler's own store. */
const MAX_CURSOR_BYTES = 16 * 1024
const WHAT = /^[a-z][a-z0-9-]{0,63}$/
const KEYS = new Set(['removed', 'more', 'waitMs', 'retained'])
const REASONS: ReadonlySet<RetainedReason> = new Set(RETAINED_REASONS)

/** The last moment a Date can hold. */
const END_OF_TIME_MS = 8_640_000_000_000_000

/** A purge result that has been checked: handlers are not our code. */
export interface CheckedResult extends SliceResult {
  /** The cursor as JSON, to be sealed. */
  readonly more?: string
}

/**
 * Checks what `purge` returned.
 *
 * @param namesUser - whether a text contains the user in any form
 * @param now - the time now: a retention must end later, and a wait must end at a valid date
 * @returns `undefined` if it is not a purge result
 */
export function checkResult(
  value: unknown,
  namesUser: (text: string) => boolean,
  now: number,
): CheckedResult | undefined {
  if (value === undefined) return { removed: 0, waitMs: 0, retained: [] }
  if (typeof value !== 'object' || value === null) return undefined
  if (!Object.keys(value).every(key => KEYS.has(key))) return undefined
  const {
    removed = 0,
    more,
    waitMs = 0,
    retained = [],
  } = value as Record<string, unknown>
  if (!isCount(removed) || !isDelay(waitMs, now) || !Array.isArray(retained))
    return undefined
  const kept = retained.map(item => checkRetained(item, namesUser, now))
  if (kept.includes(undefined)) return undefined
  const result = { removed, waitMs, retained: kept as StoredRetained[] }
  if (more === undefined) return result
  const cursor = toJson(more as Json)
  return cursor === undefined ? undefined : { ...result, more: cursor }
}

function checkRetained(
  value: Partial<Retained> | null | undefined,
  namesUser: (text: string) => boolean,
  now: number,
): StoredRetained | undefined {
  const { what, why, count, until } = value ?? {}
  if (typeof what !== 'string' || !WHAT.test(what) || namesUser(what)) return undefined
  if (why === undefined || !REASONS.has(why)) return undefined
  if (!isCount(count) || !(until instanceof Date)) return undefined
  const time = until.getTime()
  return time > now ? { what, why, count, until: time } : undefined
}

function toJson(cursor: Json): string | undefined {
  try {
    const json: string | undefined = JSON.stringify(cursor)
    return json !== undefined && Buffer.byteLength(json) <= MAX_CURSOR_BYTES
      ? json
      : undefined
  } catch {
    return undefined
  }
}

/** Whether `value` can be a number of items. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isDelay(value: unknown, now: number): value is number {
  return typeof value === 'number' && value >= 0 && now + value <= END_OF_TIME_MS
}
