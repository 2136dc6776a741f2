import type { Json } from '../../purge/handler.ts'
import type { ErasureSink } from '../../watch/source.ts'
import { isUserOf } from './erased-users.ts'
import type { Line } from './line.ts'

const HOUR_MS = 60 * 60 * 1000
/**
 * A change gets its number before it is committed, so one with a lower number may appear later. So long
 * after a number was given, nothing below it is still to come.
 */
const OVERLAP_MS = 5 * 60 * 1000
/** Synapse keeps changes for seven days. */
const KEPT_MS = 6 * 24 * HOUR_MS
const PAGE = 1000

const SPAN = `
  SELECT min(stream_id) AS oldest, max(stream_id) AS newest, (
    SELECT max(stream_id) FROM cache_invalidation_stream_by_instance
    WHERE invalidation_ts <= $1::bigint + (
      SELECT invalidation_ts FROM cache_invalidation_stream_by_instance
      ORDER BY stream_id DESC LIMIT 1)
  ) AS settled
  FROM cache_invalidation_stream_by_instance`
const CHANGES = `
  SELECT stream_id, keys[1] AS user_id FROM cache_invalidation_stream_by_instance
  WHERE stream_id > $1 AND cache_func = 'is_user_erased' AND keys[1] IS NOT NULL
  ORDER BY stream_id LIMIT ${PAGE}`

/** The numbers of the changes that there are. */
interface Span {
  /** `undefined` if there are none. */
  readonly oldest: bigint | undefined
  readonly newest: bigint | undefined
  /** No change up to this number is still to come. */
  readonly settled: bigint
}

/** How far the changes have been followed. */
interface Place {
  /** Every change up to this number has been seen. */
  readonly streamId: bigint
  /** When that was. */
  readonly at: number
}

/** What is to be followed. */
export interface Stretch {
  /** The number after which to read. */
  readonly from: bigint
  /** Where the next stretch begins. */
  readonly to: Place
  /** Whether that is worth a write. */
  readonly isNew: boolean
}

/** Who and what is told. */
export interface ChangeLogOptions {
  readonly sink: ErasureSink
  readonly serverName: string
  /** Of the source, for log lines. */
  readonly name: string
}

/**
 * Follows what Synapse notes of every user who becomes erased or is erased no more, for its own caches.
 * That a row of `erased_users` is gone can be noticed in no other way.
 */
export class ChangeLog {
  readonly #options: ChangeLogOptions
  /** Changes that have been acted on and will be read again. */
  readonly #seen = new Set<string>()

  constructor(options: ChangeLogOptions) {
    this.#options = options
  }

  /**
   * Notes where to begin if this is the first run, and says how far it is safe to go. To be called
   * before the list of erased users is read: a crash in between must not lose what changes after it.
   *
   * @throws SourceError; the `STORE_` error of the store
   */
  async begin(line: Line): Promise<Stretch> {
    const { sink, name } = this.#options
    const [row] = await line.read<Record<keyof Span, string>>(SPAN, [-OVERLAP_MS])
    const span = readSpan(row)
    const at = sink.clock.now()
    const before = readPlace(await sink.cursor())
    if (before === undefined) {
      await writePlace(sink, { streamId: span.settled, at })
      return { from: span.settled, to: { streamId: span.settled, at }, isNew: false }
    }
    const why = whyGap(span, before, at)
    const from = why === undefined ? before.streamId : (span.oldest ?? 1n) - 1n
    const to = { streamId: later(from, span.settled), at }
    if (why !== undefined) {
      this.#seen.clear()
      sink.logger.warn(
        `Accounts that were reactivated meanwhile may still count as erased, because ${why}; lift them`,
        { source: name, awayMs: at - before.at },
      )
    }
    return {
      from,
      to,
      isNew: to.streamId !== before.streamId || at - before.at > HOUR_MS,
    }
  }

  /**
   * Has everybody looked at who has changed within a stretch, or since.
   *
   * @throws SourceError; the `STORE_` error of the store
   */
  async follow(line: Line, { from, to, isNew }: Stretch): Promise<void> {
    await this.#check(line, from)
    for (const id of this.#seen) if (BigInt(id) <= to.streamId) this.#seen.delete(id)
    if (isNew) await writePlace(this.#options.sink, to)
  }

  async #check(line: Line, from: bigint): Promise<void> {
    const { sink, serverName } = this.#options
    let last = String(from)
    for (;;) {
      const rows = await line.read<{ stream_id: string; user_id: string }>(CHANGES, [
        last,
      ])
      for (const { stream_id: id, user_id: userId } of rows) {
        if (this.#seen.has(id)) continue
        if (isUserOf(userId, serverName)) await sink.check(userId)
        this.#seen.add(id)
      }
      if (rows.length < PAGE) return
      last = rows.at(-1)?.stream_id ?? last
    }
  }
}

/** Why changes may be gone that nobody has seen; `undefined`: none are. */
function whyGap(
  { oldest, newest }: Span,
  before: Place,
  now: number,
): string | undefined {
  if (newest !== undefined && newest < before.streamId)
    return "Synapse's database was restored from a backup"
  // Numbers may be left out, so it takes more than a missing one.
  const isCutOff = oldest === undefined || oldest > before.streamId
  if (isCutOff && now - before.at > KEPT_MS)
    return 'the source was away for longer than Synapse keeps changes'
  return undefined
}

function later(one: bigint, other: bigint): bigint {
  return one > other ? one : other
}

/** pg reads a bigint as a text. */
function readSpan(row: Partial<Record<keyof Span, string | null>> = {}): Span {
  const read = (text: string | null = null) => (text === null ? undefined : BigInt(text))
  return {
    oldest: read(row.oldest),
    newest: read(row.newest),
    settled: read(row.settled) ?? 0n,
  }
}

function writePlace(sink: ErasureSink, { streamId, at }: Place): Promise<void> {
  return sink.setCursor({ streamId: String(streamId), at })
}

/** A cursor that is not ours counts as none. */
function readPlace(cursor: Json | undefined): Place | undefined {
  const { streamId, at } = Object(cursor) as { streamId?: unknown; at?: unknown }
  if (typeof streamId !== 'string' || !/^\d{1,19}$/.test(streamId)) return undefined
  return typeof at === 'number' ? { streamId: BigInt(streamId), at } : undefined
}
