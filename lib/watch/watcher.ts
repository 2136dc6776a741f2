import { codeOf } from '../errors.ts'
import { sleep } from '../host/clock.ts'
import type { UserId } from '../matrix/user-id.ts'
import { Accounts } from './accounts.ts'
import { atMost } from './at-most.ts'
import { Hints } from './hints.ts'
import { Lease } from './lease.ts'
import { ReportedUsers } from './reported-users.ts'
import { resolveRules } from './rules.ts'
import { Sink } from './sink.ts'
import type { ErasureSource, SourceRules } from './source.ts'
import type { WatchServices } from './watch-services.ts'

/** How long to wait after watching failed, perhaps because of the store. */
const RETRY_MS = 10_000

/** One source: watches it when it is this process's turn, and follows hints in any case. */
export class Watcher {
  readonly source: ErasureSource
  readonly #services: WatchServices
  readonly #rules: SourceRules
  readonly #accounts: Accounts
  readonly #hints: Hints
  readonly #closed = new AbortController()
  #running: Promise<void> | undefined
  /** Why watching failed since it last began: said once. */
  #failure: ReturnType<typeof codeOf> | undefined

  constructor(source: ErasureSource, services: WatchServices) {
    this.source = source
    this.#services = services
    this.#rules = resolveRules(source.name, source.rules)
    this.#accounts = new Accounts(source, this.#rules, services)
    this.#hints = new Hints({
      clock: services.clock,
      settle: userId => this.#accounts.settleHinted(userId, this.#closed.signal),
    })
  }

  /** Begins to watch, or to wait for this process's turn. */
  begin(): void {
    this.#running ??= this.#run()
  }

  hint(userId: UserId): void {
    this.#hints.add(userId)
  }

  /** Resolves when the source is closed, and the next process may watch; or after `drainMs`. */
  async close(): Promise<void> {
    const { clock, drainMs } = this.#services
    this.#closed.abort()
    this.#hints.close()
    await atMost(clock, drainMs, this.#running)
  }

  async #run(): Promise<void> {
    const { clock, documents, emit, isShared } = this.#services
    const { signal } = this.#closed
    const source = this.source.name
    const lease = new Lease({ documents, clock, source, signal })
    while (!signal.aborted) {
      try {
        if (isShared) await lease.run(lost => this.#watch(lost))
        else await this.#watch(signal)
      } catch (error) {
        if (signal.aborted) return
        const code = codeOf(error)
        if (code !== this.#failure) emit({ kind: 'watching failed', source, code })
        this.#failure = code
        await sleep(clock, RETRY_MS, signal)
      }
    }
  }

  /** Watches until `signal` aborts. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { documents, emit } = this.#services
    const accounts = this.#accounts
    const { name } = this.source
    const reported = new ReportedUsers(name, documents)
    await reported.load()
    accounts.setReported(reported)
    const services = this.#services
    const over = new AbortController()
    const either = AbortSignal.any([signal, over.signal])
    const sink = new Sink({ accounts, rules: this.#rules, services, signal: either })
    emit({ kind: 'watching began', source: name })
    try {
      await this.source.start(sink)
      this.#failure = undefined
      await aborted(signal)
    } finally {
      over.abort()
      await this.#stop(sink)
      accounts.setReported(undefined)
      emit({ kind: 'watching ended', source: name })
    }
  }

  /** Does not wait for ever for a source that does not close. */
  async #stop(sink: Sink): Promise<void> {
    const { clock, drainMs } = this.#services
    const closing = async () => this.source.close()
    await atMost(clock, drainMs, Promise.allSettled([closing(), sink.ended()]))
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
