import { isErasureError } from '../errors.ts'
import type { UserId } from '../matrix/user-id.ts'
import type { UserTag } from '../user-seal/user-seal.ts'
import { InTurn } from './in-turn.ts'
import { lookAt } from './look-at.ts'
import type { ReportedUsers } from './reported-users.ts'
import type { AccountState, ErasureSource, SourceRules } from './source.ts'
import type { WatchServices } from './watch-services.ts'

/** How long a source may take to look at a user that a scan has found. */
const SCAN_LOOK_MS = 30_000
/** How long it may take when a hint came: others wait. */
const HINT_LOOK_MS = 10_000

/**
 * Looks at single accounts, and acts on what the source says. Whatever concerns one user is done in
 * turn: a look that began before the account was reactivated must not erase it afterwards.
 */
export class Accounts {
  readonly source: ErasureSource
  readonly #rules: SourceRules
  readonly #services: WatchServices
  readonly #turns = new InTurn<UserTag>()
  /** Those whom `allow` refuses: asked again after a restart only. */
  readonly #refused = new Set<UserTag>()
  /** Of the scan that succeeded last: what hints have erased since then counts together. */
  #hintsOf: number | undefined
  #erasedByHints = 0
  /** Those whom the source has reported; absent while another process watches. */
  #reported: ReportedUsers | undefined

  constructor(source: ErasureSource, rules: SourceRules, services: WatchServices) {
    this.source = source
    this.#rules = rules
    this.#services = services
  }

  /** This process watches from now on; `undefined`: it does not any more. */
  setReported(reported: ReportedUsers | undefined): void {
    this.#reported = reported
  }

  tagOf(userId: UserId): UserTag {
    return this.#services.seal.tag(userId)
  }

  isReported(tag: UserTag): boolean {
    return this.#reported?.has(tag) === true
  }

  isRefused(tag: UserTag): boolean {
    return this.#refused.has(tag)
  }

  noteReported(tag: UserTag): void {
    this.#reported?.add(tag)
  }

  /** Reads them again if another process has forgotten one: a later erasure of that one is new. */
  async refreshReported(forgotten: number): Promise<void> {
    await this.#reported?.refresh(forgotten)
  }

  /**
   * Looks at a user whom a scan has found.
   *
   * @throws SourceError, or ErasureError of the store
   */
  settle(userId: UserId, signal: AbortSignal): Promise<AccountState> {
    return this.#settle(userId, signal, SCAN_LOOK_MS, async () => true)
  }

  /**
   * Looks at a user because of a sign. Hints may erase no more users than one scan, and none while
   * scans are held back.
   *
   * @throws SourceError, or ErasureError of the store
   */
  settleHinted(userId: UserId, signal: AbortSignal): Promise<AccountState> {
    return this.#settle(userId, signal, HINT_LOOK_MS, () => this.#mayHint())
  }

  #settle(
    userId: UserId,
    signal: AbortSignal,
    timeoutMs: number,
    mayErase: () => Promise<boolean>,
  ): Promise<AccountState> {
    const tag = this.tagOf(userId)
    const { clock } = this.#services
    return this.#turns.run(tag, async () => {
      const state = await lookAt(this.source, userId, { clock, signal, timeoutMs })
      if (state === 'present') await this.#present(userId, tag)
      else if (state !== 'unknown' && !this.isReported(tag) && (await mayErase())) {
        await this.#erased(userId, tag, state === 'erased ghost')
      }
      return state
    })
  }

  async #erased(userId: UserId, tag: UserTag, isGhost: boolean): Promise<void> {
    const { graceMs } = this.#rules
    try {
      await this.#services.accept(userId, { source: this.source.name, graceMs, isGhost })
      this.#reported?.add(tag)
    } catch (error) {
      if (isErasureError(error, 'USER_REFUSED')) this.#refused.add(tag)
      // The next scan asks again.
      else if (!isErasureError(error, 'ALLOW_FAILED')) throw error
    }
  }

  /** Forgets last that they were reported: if this fails in between, the next scan does it again. */
  async #present(userId: UserId, tag: UserTag): Promise<void> {
    const { documents, restore, emit } = this.#services
    const { name } = this.source
    if (this.#reported?.has(tag) === false) return
    if (!(await documents.isReported(name, tag))) return
    await restore(userId, name)
    const forgotten = await documents.forgetReported(name, tag)
    this.#reported?.forgot(tag, forgotten)
    emit({ kind: 'reactivated', source: name })
  }

  async #mayHint(): Promise<boolean> {
    const seen = await this.#services.documents.seeState(this.source.name)
    const { heldBack = 0, lastSuccessAt } = seen?.value ?? {}
    if (lastSuccessAt !== this.#hintsOf) this.#erasedByHints = 0
    this.#hintsOf = lastSuccessAt
    if (heldBack > 0 || this.#erasedByHints >= this.#rules.maxPerScan) return false
    this.#erasedByHints += 1
    return true
  }
}
