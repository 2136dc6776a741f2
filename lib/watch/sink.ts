import type { Clock } from '../host/clock.ts'
import type { Logger } from '../host/logger.ts'
import { isUserId, type UserId } from '../matrix/user-id.ts'
import type { Json } from '../purge/handler.ts'
import type {
  SourceDocuments,
  SourceState,
  SourceWord,
} from '../store/source-documents.ts'
import type { UserTag } from '../user-seal/user-seal.ts'
import type { Accounts } from './accounts.ts'
import { Backlog } from './backlog.ts'
import { HalfFinished } from './half-finished.ts'
import { type Found, readList, settleAll } from './scan.ts'
import type { Account, ErasureSink, SourceError, SourceRules } from './source.ts'
import type { WatchServices } from './watch-services.ts'

/** How many users are noted in one write. */
const NOTE_USERS = 2000
/** How many users in their grace each scan looks at, oldest requests first. */
const MAX_WAITING = 1000

/** What a sink needs, besides the services of watching. */
export interface SinkOptions {
  readonly accounts: Accounts
  readonly rules: SourceRules
  readonly services: WatchServices
  readonly signal: AbortSignal
}

/** Takes what a source reports, while this process watches it. */
export class Sink implements ErasureSink {
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
  readonly #accounts: Accounts
  readonly #rules: SourceRules
  readonly #services: WatchServices
  readonly #documents: SourceDocuments
  readonly #name: string
  readonly #backlog: Backlog
  readonly #halfFinished = new HalfFinished()
  /** The word by which the backlog is accepted; it is used up when that is empty. */
  #backlogWord: SourceWord | undefined
  #working: Promise<void> | undefined

  constructor({ accounts, rules, services, signal }: SinkOptions) {
    this.clock = services.clock
    this.logger = services.logger
    this.signal = signal
    this.#accounts = accounts
    this.#rules = rules
    this.#services = services
    this.#documents = services.documents
    this.#name = accounts.source.name
    const { clock } = services
    const settle = (userId: UserId) => accounts.settle(userId, signal)
    const perMinute = rules.acceptPerMinute
    const isReported = (tag: UserTag) => accounts.isReported(tag)
    this.#backlog = new Backlog({ clock, signal, settle, perMinute, isReported })
  }

  async compare(list: AsyncIterable<Account>): Promise<void> {
    const state = await this.#documents.seeState(this.#name)
    await this.#accounts.refreshReported(state?.value.forgotten ?? 0)
    const isFirst = state?.value.firstRunDone !== true
    if (isFirst && this.#rules.firstRun === 'baseline') return this.#noteAll(list)
    const word = await this.#unusedWord()
    const limit = this.#rules.maxPerScan + (word?.count ?? 0)
    const found = await this.#read(list, limit)
    await settleAll([...found.gone.values(), ...(await this.#waiting())], userId =>
      this.#accounts.settle(userId, this.signal),
    )
    const isHeldBack = await this.#holdBack(found, limit)
    if (isHeldBack) return
    if (isFirst && this.#working === undefined) return this.#begin(found, word)
    await settleAll(found.erased.values(), userId =>
      this.#accounts.settle(userId, this.signal),
    )
    if (word !== undefined) await this.#documents.useUpWord(this.#name, word.id)
  }

  async check(userId: string): Promise<void> {
    if (isUserId(userId)) await this.#accounts.settleHinted(userId, this.signal)
  }

  async failed(code: SourceError['code']): Promise<void> {
    let isNew = false
    await this.#changeState(state => {
      isNew = state.code !== code
      return isNew ? { ...state, code, since: this.clock.now() } : state
    })
    if (isNew) this.#services.emit({ kind: 'source failed', source: this.#name, code })
  }

  async succeeded(): Promise<void> {
    const now = this.clock.now()
    const halfFinished = this.#halfFinished.count(now)
    let before: SourceState = {}
    await this.#changeState(state => {
      before = state
      const { code: _code, since: _since, halfFinished: _half, ...rest } = state
      const half = halfFinished > 0 ? { halfFinished } : {}
      return { ...rest, ...half, lastSuccessAt: now }
    })
    const { emit } = this.#services
    const source = this.#name
    if (before.code !== undefined) emit({ kind: 'source recovered', source })
    if (halfFinished !== (before.halfFinished ?? 0)) {
      emit({ kind: 'half-finished deactivations', source, count: halfFinished })
    }
  }

  async cursor(): Promise<Json | undefined> {
    const state = await this.#documents.seeState(this.#name)
    return state?.value.cursor as Json | undefined
  }

  async setCursor(cursor: Json): Promise<void> {
    await this.#changeState(state => ({ ...state, cursor }))
  }

  /** Resolves when the backlog is not worked on any more; call it after the abort. */
  async ended(): Promise<void> {
    await this.#working
  }

  async #changeState(change: (state: SourceState) => SourceState): Promise<void> {
    await this.#documents.changeState(this.#name, change)
  }

  #read(list: AsyncIterable<Account>, limit: number): Promise<Found> {
    return readList(list, {
      accounts: this.#accounts,
      halfFinished: this.#halfFinished,
      now: this.clock.now(),
      signal: this.signal,
      limit,
      isWaiting: tag => this.#backlog.has(tag),
    })
  }

  /** Those who may still change their mind. Lists of erased users need not name one who has. */
  async #waiting(): Promise<readonly UserId[]> {
    if (this.#rules.graceMs === 0) return []
    const users = new Set<UserId>()
    for await (const userId of this.#services.waiting(this.#name)) {
      if (users.size >= MAX_WAITING) break
      users.add(userId)
    }
    return [...users]
  }

  /** The operator's word, unless the backlog is using it. */
  async #unusedWord(): Promise<SourceWord | undefined> {
    const word = await this.#documents.word(this.#name)
    return word?.id === this.#backlogWord?.id ? undefined : word
  }

  /** @returns whether more users were found than may be erased at once */
  async #holdBack({ erasedCount }: Found, limit: number): Promise<boolean> {
    const isTooMany = erasedCount > limit
    let wasTooMany = false
    const now = this.clock.now()
    await this.#changeState(state => {
      const { heldBack = 0, heldBackSince = now, ...rest } = state
      wasTooMany = heldBack > 0
      return isTooMany ? { ...rest, heldBack: erasedCount, heldBackSince } : rest
    })
    if (isTooMany && !wasTooMany) {
      const { emit } = this.#services
      emit({ kind: 'source held back', source: this.#name, count: erasedCount })
    }
    return isTooMany
  }

  /** Works on the users of the first run, in the background. */
  #begin({ erased }: Found, word: SourceWord | undefined): void {
    this.#backlog.add(erased)
    this.#backlogWord = word
    this.#working = this.#workOff()
  }

  async #workOff(): Promise<void> {
    await this.#backlog.run()
    if (this.signal.aborted) return
    try {
      await this.#changeState(state => ({ ...state, firstRunDone: true }))
      if (this.#backlogWord === undefined) return
      await this.#documents.useUpWord(this.#name, this.#backlogWord.id)
    } catch {
      // The next scan begins the first run again, and finds nobody who is not reported.
      this.#working = undefined
    }
  }

  /** The first run for those who want nobody erased of the past. */
  async #noteAll(list: AsyncIterable<Account>): Promise<void> {
    let tags: UserTag[] = []
    const write = async () => {
      await this.#note(tags)
      tags = []
    }
    for await (const { userId, erased } of list) {
      this.signal.throwIfAborted()
      if (erased !== true || !isUserId(userId)) continue
      const tag = this.#accounts.tagOf(userId)
      if (this.#accounts.isReported(tag)) continue
      tags.push(tag)
      if (tags.length >= NOTE_USERS) await write()
    }
    await write()
    await this.#changeState(state => ({ ...state, firstRunDone: true }))
  }

  /** Another process that has finished the first run may meanwhile have accepted some of them. */
  async #note(tags: readonly UserTag[]): Promise<void> {
    for (;;) {
      const state = await this.#documents.seeState(this.#name)
      if (state?.value.firstRunDone === true) return
      if (await this.#documents.noteReported(this.#name, tags, state)) break
    }
    for (const tag of tags) this.#accounts.noteReported(tag)
  }
}
