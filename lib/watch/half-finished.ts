import type { UserTag } from '../user-seal/user-seal.ts'

/** A homeserver that was restarted finishes what it had begun; an operator is told of what it does not. */
const PATIENCE_MS = 60 * 60 * 1000

/**
 * Accounts that are erased and not deactivated, because the homeserver crashed in between. One that is
 * not in a list is left as it is: not every list has them all.
 */
export class HalfFinished {
  readonly #since = new Map<UserTag, number>()

  note(tag: UserTag, isHalfFinished: boolean, now: number): void {
    if (!isHalfFinished) this.#since.delete(tag)
    else if (!this.#since.has(tag)) this.#since.set(tag, now)
  }

  /** How many have been so for over an hour. */
  count(now: number): number {
    let count = 0
    for (const since of this.#since.values()) if (now - since >= PATIENCE_MS) count += 1
    return count
  }
}
