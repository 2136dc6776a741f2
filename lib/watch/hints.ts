import TinyQueue from 'tinyqueue'

import type { Clock } from '../host/clock.ts'
import type { UserId } from '../matrix/user-id.ts'
import type { AccountState } from './source.ts'

/** When a user is looked at after a hint: the homeserver may still be about to erase them. */
const LOOKS_MS = [0, 1000, 5000, 30_000] as const
/** How many looks may begin in any second. */
const LOOKS_PER_SECOND = 20
const SECOND_MS = 1000
/** How many users wait for their next look; the scan finds the others. */
const MAX_USERS = 1000

interface Hinted {
  readonly userId: UserId
  readonly since: number
  /** Which look comes next. */
  look: number
}

/** What following hints needs. */
export interface HintsOptions {
  readonly clock: Clock
  /** Looks at a user and acts on the answer. Must end by itself: up to 200 run at a time. */
  readonly settle: (userId: UserId) => Promise<AccountState>
}

/**
 * Follows hints that a user may have been erased. A look never waits for another one to end; only
 * their beginnings are counted.
 */
export class Hints {
  readonly #options: HintsOptions
  /** By user, so that a user who leaves a thousand rooms is looked at like one who leaves one. */
  readonly #users = new Map<UserId, Hinted>()
  /** Those who wait, the one whose look is due first on top. */
  readonly #waiting = new TinyQueue<Hinted>([], (a, b) => dueAt(a) - dueAt(b))
  /** When the last looks began, oldest first. */
  readonly #begun: number[] = []
  #cancel: (() => void) | undefined
  #isClosed = false

  constructor(options: HintsOptions) {
    this.#options = options
  }

  /** Takes a hint; one about a user who is followed already changes nothing. */
  add(userId: UserId): void {
    if (this.#isClosed || this.#users.has(userId) || this.#users.size >= MAX_USERS) return
    const hinted = { userId, since: this.#options.clock.now(), look: 0 }
    this.#users.set(userId, hinted)
    this.#waiting.push(hinted)
    this.#arm()
  }

  /** Follows no more hints. */
  close(): void {
    this.#isClosed = true
    this.#cancel?.()
    this.#users.clear()
  }

  #arm(): void {
    this.#cancel?.()
    this.#cancel = undefined
    if (this.#isClosed) return
    const next = this.#waiting.peek()
    if (next === undefined) return
    const { clock } = this.#options
    const [oldest = -Infinity] = this.#begun
    const mayBegin =
      this.#begun.length < LOOKS_PER_SECOND ? -Infinity : oldest + SECOND_MS
    const at = Math.max(dueAt(next), mayBegin)
    this.#cancel = clock.setTimer(() => this.#begin(), Math.max(0, at - clock.now()))
  }

  #begin(): void {
    this.#cancel = undefined
    const { clock } = this.#options
    const next = this.#waiting.peek()
    if (next !== undefined && dueAt(next) <= clock.now()) {
      this.#waiting.pop()
      this.#begun.push(clock.now())
      if (this.#begun.length > LOOKS_PER_SECOND) this.#begun.shift()
      void this.#look(next)
    }
    this.#arm()
  }

  async #look(hinted: Hinted): Promise<void> {
    let state: AccountState | undefined
    try {
      state = await this.#options.settle(hinted.userId)
    } catch {
      // The next look tries again, and then the scan, which reports what fails.
    }
    hinted.look += 1
    const isDone = state === 'erased' || state === 'erased ghost'
    const isLast = hinted.look === LOOKS_MS.length
    if (isDone || isLast || this.#isClosed) this.#users.delete(hinted.userId)
    else this.#waiting.push(hinted)
    this.#arm()
  }
}

function dueAt({ since, look }: Hinted): number {
  return since + (LOOKS_MS[look] ?? 0)
}
