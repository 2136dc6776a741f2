import type {
  Account,
  AccountState,
  ErasureSink,
  ErasureSource,
  SourceRules,
} from '../../lib/watch/source.ts'

/** A homeserver of a test, and a source that scans it when the test says so. */
export class ListSource implements ErasureSource {
  readonly name: string
  readonly rules: Partial<SourceRules>
  /** Every account there is. */
  readonly accounts = new Map<string, AccountState>()
  /** Whom `look` was asked about. */
  readonly looks: string[] = []
  /** What `look` does instead of answering from `accounts`. */
  onLook: ((userId: string, signal: AbortSignal) => Promise<AccountState>) | undefined
  #sink: ErasureSink | undefined

  constructor(rules: Partial<SourceRules> = {}, name = 'test') {
    this.name = name
    this.rules = rules
  }

  /** The sink it watches with; fails while it does not watch. */
  get sink(): ErasureSink {
    if (this.#sink === undefined) throw new Error('The source does not watch')
    return this.#sink
  }

  get isWatching(): boolean {
    return this.#sink !== undefined
  }

  async start(sink: ErasureSink): Promise<void> {
    this.#sink = sink
  }

  async look(userId: string, signal: AbortSignal): Promise<AccountState> {
    this.looks.push(userId)
    return this.onLook?.(userId, signal) ?? this.accounts.get(userId) ?? 'unknown'
  }

  async close(): Promise<void> {
    this.#sink = undefined
  }

  set(state: AccountState, ...userIds: readonly string[]): void {
    for (const userId of userIds) this.accounts.set(userId, state)
  }

  /** A complete scan of `accounts`, or of another list. */
  async scan(list: Iterable<Account> = this.list()): Promise<void> {
    const { sink } = this
    await sink.compare(pages(list))
    await sink.succeeded()
  }

  /** As the homeserver would list them. */
  *list(): Generator<Account> {
    for (const [userId, state] of this.accounts) {
      if (state !== 'unknown') yield { userId, erased: state !== 'present' }
    }
  }
}

async function* pages(list: Iterable<Account>): AsyncGenerator<Account> {
  yield* list
}
