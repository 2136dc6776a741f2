/** An account, as Synapse's tables have it. Nothing here follows from anything else. */
export interface SimulatedAccount {
  readonly name: string
  readonly isGuest: boolean
  readonly appserviceId: string | null
  deactivated: boolean
  erased: boolean
  locked: boolean
}

/** The accounts of a homeserver, and what Synapse does to them, step by step. */
export class SimulatedAccounts {
  readonly #accounts = new Map<string, SimulatedAccount>()

  add(
    name: string,
    {
      isGuest = false,
      appserviceId = null,
    }: { isGuest?: boolean; appserviceId?: string | null } = {},
  ): SimulatedAccount {
    const state = { deactivated: false, erased: false, locked: false }
    const account = { name, isGuest, appserviceId, ...state }
    this.#accounts.set(name, account)
    return account
  }

  get(name: string): SimulatedAccount | undefined {
    return this.#accounts.get(name)
  }

  remove(name: string): void {
    this.#accounts.delete(name)
  }

  /** In no order. */
  all(): SimulatedAccount[] {
    return [...this.#accounts.values()]
  }

  /** What a replica has that follows no more. */
  copy(): SimulatedAccounts {
    const copy = new SimulatedAccounts()
    for (const account of this.all()) copy.#accounts.set(account.name, { ...account })
    return copy
  }

  /** A deactivation, from beginning to end. Without `erase` it leaves the flag as it is. */
  deactivate(name: string, erase: boolean): void {
    if (erase) this.beginErasure(name)
    this.#change(name, { deactivated: true })
  }

  /**
   * A deactivation with `erase` up to where invites are rejected: it lasts 20 ms for each of them, and
   * for ever if the homeserver is killed meanwhile.
   */
  beginErasure(name: string): void {
    this.#change(name, { erased: true })
  }

  reactivate(name: string): void {
    this.#change(name, { erased: false, deactivated: false })
  }

  /** A reactivation that fails on a young database: erased no more, and still deactivated. */
  reactivateHalfway(name: string): void {
    this.#change(name, { erased: false })
  }

  lock(name: string, locked: boolean): void {
    this.#change(name, { locked })
  }

  #change(name: string, change: Partial<SimulatedAccount>): void {
    const account = this.#accounts.get(name)
    if (account === undefined) throw new Error('No such account')
    Object.assign(account, change)
  }
}
