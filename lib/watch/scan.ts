import { isUserId, type UserId } from '../matrix/user-id.ts'
import type { UserTag } from '../user-seal/user-seal.ts'
import type { Accounts } from './accounts.ts'
import type { HalfFinished } from './half-finished.ts'
import type { Account } from './source.ts'

/** How many users that are erased no more a scan has looked at; the rest is left to the next one. */
const MAX_GONE = 1000
/** How many users are looked at at the same time. */
const LOOKS = 4
/** If so many looks in a row fail, the homeserver is away. */
const MAX_FAILURES = 10

/** Whom a list names in another way than what was reported. */
export interface Found {
  /** Erased, and not reported; of more than `limit`, only the first. */
  readonly erased: ReadonlyMap<UserTag, UserId>
  /** How many are erased and not reported. */
  readonly erasedCount: number
  /** Reported, and listed as not erased; some of them. */
  readonly gone: ReadonlyMap<UserTag, UserId>
}

/** What reading a list needs. */
export interface ReadListOptions {
  readonly accounts: Accounts
  readonly halfFinished: HalfFinished
  readonly now: number
  readonly signal: AbortSignal
  readonly limit: number
  /** Those who are waiting already to be looked at. */
  readonly isWaiting: (tag: UserTag) => boolean
}

/** Reads a list of accounts to its end, and keeps whom it names in another way. */
export async function readList(
  list: AsyncIterable<Account>,
  { accounts, halfFinished, now, signal, limit, isWaiting }: ReadListOptions,
): Promise<Found> {
  const erased = new Map<UserTag, UserId>()
  const gone = new Map<UserTag, UserId>()
  let over = 0
  for await (const account of list) {
    signal.throwIfAborted()
    const { userId } = account
    if (!isUserId(userId)) continue
    const tag = accounts.tagOf(userId)
    const isErased = account.erased === true
    halfFinished.note(tag, isErased && account.halfFinished === true, now)
    if (accounts.isReported(tag) === isErased) continue
    if (!isErased) {
      if (gone.size < MAX_GONE) gone.set(tag, userId)
    } else if (!isWaiting(tag) && !accounts.isRefused(tag)) {
      if (erased.size < limit || erased.has(tag)) erased.set(tag, userId)
      else over += 1
    }
  }
  return { erased, erasedCount: erased.size + over, gone }
}

/**
 * Looks at users, a few at a time. One who cannot be looked at holds up nobody else, unless all fail.
 *
 * @throws what the first look threw that failed, after the others
 */
export async function settleAll(
  users: Iterable<UserId>,
  settle: (userId: UserId) => Promise<unknown>,
): Promise<void> {
  const errors: unknown[] = []
  let inARow = 0
  const queue = users[Symbol.iterator]()
  const work = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      try {
        await settle(next.value)
        inARow = 0
      } catch (error) {
        errors.push(error)
        inARow += 1
      }
      if (inARow >= MAX_FAILURES) return
    }
  }
  await Promise.all(Array.from({ length: LOOKS }, work))
  if (errors.length > 0) throw errors[0]
}
