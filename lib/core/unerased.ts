import type { UserId } from '../matrix/user-id.ts'

/** Enough for everyone who is active on a large bridge; at most some megabytes, twice. */
const MAX_USERS = 20_000

/**
 * Users who were asked about and are not erased, so that the guard asks the store only once about each:
 * the same people are in one transaction after the other. In memory only. Right only while no other
 * process can write the store; a user of whom a request comes is forgotten before it is written.
 */
export class Unerased {
  #users = new Set<string>()
  /** Those that were noted before; whoever is asked about again moves on. */
  #older = new Set<string>()
  #requests = 0

  has(userId: string): boolean {
    if (this.#users.has(userId)) return true
    if (!this.#older.has(userId)) return false
    this.#add(userId)
    return true
  }

  /** How many requests have come so far. */
  get requests(): number {
    return this.#requests
  }

  /** Call it before a request is written: from then on its user is asked about again. */
  forget(userId: UserId): void {
    this.#requests += 1
    this.#users.delete(userId)
    this.#older.delete(userId)
  }

  /**
   * Notes that a user is not erased.
   *
   * @param requests - how many had come when the store was asked: if more have come since, one of them
   *   may be this user's
   */
  note(userId: UserId, requests: number): void {
    if (requests === this.#requests) this.#add(userId)
  }

  /** Removing the oldest one by one would cost more: a Set is slow to find its first. */
  #add(userId: string): void {
    if (this.#users.size >= MAX_USERS) {
      this.#older = this.#users
      this.#users = new Set()
    }
    this.#users.add(userId)
  }
}
