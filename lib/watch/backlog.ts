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
    while (!signal.aborted) {
      const next = this.#users.entries().next()
      if (next.done) return
      const [tag, userId] = next.value
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
      await sleep(clock, Math.max(0, startedAt + waitMs - clock.now()), signal)
    }
  }
}
