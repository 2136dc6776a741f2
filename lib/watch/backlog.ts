import { type Clock, sleep } from '../host/clock.ts'
import type { UserId } from '../matrix/user-id.ts'
import type { UserTag } from '../user-seal/user-seal.ts'

const MINUTE_MS = 60_000
/** How long to wait after somebody could not be looked at: the homeserver may be away. */
const FAILED_MS = 60_000

/** How the users of a backlog are accepted. */
export interface BacklogOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly perMinute: number
  /** Whether somebody was accepted meanwhile, because a hint came. */
  readonly isReported: (tag: UserTag) => boolean
  /** Looks at a user and accepts them. */
  readonly settle: (userId: UserId) => Promise<unknown>
}

/**
 * Those whom the first scan found, accepted one after the other and not too fast: they may be all who
 * were ever erased. Later scans and hints need not wait for them.
 */
export class Backlog {
  readonly #options: BacklogOptions
  readonly #users = new Map<UserTag, UserId>()

  constructor(options: BacklogOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#users.size
  }

  has(tag: UserTag): boolean {
    return this.#users.has(tag)
  }

  add(users: ReadonlyMap<UserTag, UserId>): void {
    for (const [tag, userId] of users) this.#users.set(tag, userId)
  }

  /** Resolves when nobody is left, or at the abort. Somebody who cannot be looked at comes again last. */
  async run(): Promise<void> {
    const { clock, signal, perMinute, settle } = this.#options
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (signal.aborted) return
      const [tag, userId] = next
      const startedAt = clock.now()
      let waitMs = MINUTE_MS / perMinute
      try {
        await settle(userId)
        this.#users.delete(tag)
      } catch {
        this.#users.delete(tag)
        this.#users.set(tag, userId)
        waitMs = FAILED_MS
      }
      if (this.#users.size === 0) return
      await sleep(clock, Math.max(0, startedAt + waitMs - clock.now()), signal)
    }
  }

  #next(): readonly [UserTag, UserId] | undefined {
    for (const entry of this.#users) {
      if (!this.#options.isReported(entry[0])) return entry
      this.#users.delete(entry[0])
    }
    return undefined
  }
}
