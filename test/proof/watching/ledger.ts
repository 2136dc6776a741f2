import { EVERYBODY, GHOST, PEOPLE } from './steps.ts'

/** What is known of one account; times of this world, and a count of what happened in which order. */
export interface Entry {
  /** How often the homeserver began to count the account as erased. */
  erasures: number
  /** Which of these erasures it has told us of, when asked about this account. */
  readonly told: Set<number>
  /** The requests that handlers were called for. */
  readonly requests: Set<string>
  /** When the last of them came. */
  requestedAt: number
  /** When the homeserver last told us that the account does not count as erased. */
  presentAt: number
  /** Since when it has been erased, or not. */
  since: number
  /** Since when the frequent list has shown it as erased; `undefined`: it does not. */
  listedSince: number | undefined
}

/** What happened, by account: what the code should have done can be told from it. */
export class Ledger {
  readonly #entries = new Map<string, Entry>(
    EVERYBODY.map(name => [
      name,
      {
        erasures: 0,
        told: new Set(),
        requests: new Set(),
        requestedAt: -1,
        presentAt: -1,
        since: 0,
        listedSince: undefined,
      },
    ]),
  )
  /** Whom we were told of that they are there, and what came of it is not stored yet. */
  #present = new Set<string>()
  #order = 0

  of(name: string): Entry {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw new Error('No such user')
    return entry
  }

  has(name: string): boolean {
    return this.#entries.has(name)
  }

  /** The homeserver was asked about an account, and the answer has reached us. */
  told(name: string, erased: boolean): void {
    if (erased) {
      this.of(name).told.add(this.of(name).erasures)
      this.#present.delete(name)
    } else this.#present.add(name)
  }

  requested(name: string, requestId: string): void {
    const entry = this.of(name)
    if (entry.requests.has(requestId)) return
    entry.requests.add(requestId)
    this.#order += 1
    entry.requestedAt = this.#order
  }

  /** Everything that was begun is done. */
  settled(): void {
    for (const name of this.#present) {
      this.#order += 1
      this.of(name).presentAt = this.#order
    }
    this.#present.clear()
  }

  /** Nobody knows what became of it. */
  interrupted(): void {
    this.#present = new Set()
  }

  /** Whether there was a request since the homeserver last said that the account is there. */
  isCovered(name: string): boolean {
    const { requestedAt, presentAt } = this.of(name)
    return requestedAt > presentAt
  }

  /** What must never have happened. */
  *wrongs(): Generator<string> {
    for (const name of PEOPLE) {
      const { requests, told } = this.of(name)
      if (requests.size > told.size)
        yield `${name} was erased ${requests.size} times, and by the homeserver ${told.size} times`
    }
    if (this.of(GHOST).requests.size > 0) yield 'a ghost was erased'
  }
}
