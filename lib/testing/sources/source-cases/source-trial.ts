import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

import { type Clock, systemClock } from '../../../host/clock.ts'
import { type Logger, silentLogger } from '../../../host/logger.ts'
import { parseUserId, type UserId } from '../../../matrix/user-id.ts'
import type { Json } from '../../../purge/handler.ts'
import {
  type Account,
  type AccountState,
  type ErasureSink,
  type ErasureSource,
  SourceError,
} from '../../../watch/source.ts'
import type { SourceConformanceOptions, SourceHarness } from './source-harness.ts'

/** A title, and what is tried on a homeserver of its own. */
export type SourceCase = readonly [
  title: string,
  run: (trial: SourceTrial) => Promise<void>,
]

const PATIENCE_MS = 60_000
/** How long to watch that nothing happens any more. */
const QUIET_MS = 1000
/** How long `start` and `close` may take, and a look that was aborted. */
const PROMPT_MS = 10_000

/** A sink that keeps what it is told, and has nobody erased. */
export class TrialSink implements ErasureSink {
  readonly clock: Clock = systemClock
  readonly logger: Logger = silentLogger
  readonly signal: AbortSignal
  /** What the lists have said of each user last. */
  readonly listed: Map<string, Account> = new Map<string, Account>()
  /** Whom `check` was called for. */
  readonly checked: string[] = []
  readonly failures: SourceError['code'][] = []
  successes: number = 0
  /** How often anything was called. */
  calls: number = 0
  #cursor: Json | undefined

  constructor(signal: AbortSignal, cursor?: Json) {
    this.signal = signal
    this.#cursor = cursor
  }

  async compare(accounts: AsyncIterable<Account>): Promise<void> {
    this.calls += 1
    for await (const account of accounts) this.listed.set(account.userId, account)
  }

  async check(userId: string): Promise<void> {
    this.calls += 1
    this.checked.push(userId)
  }

  async failed(code: SourceError['code']): Promise<void> {
    this.calls += 1
    this.failures.push(code)
  }

  async succeeded(): Promise<void> {
    this.calls += 1
    this.successes += 1
  }

  async cursor(): Promise<Json | undefined> {
    this.calls += 1
    return this.#cursor
  }

  async setCursor(value: Json): Promise<void> {
    this.calls += 1
    // As a store would give it back.
    this.#cursor = JSON.parse(JSON.stringify(value)) as Json
  }

  /** Whether the source has found that a user is erased. */
  hasFound(userId: string): boolean {
    return this.listed.get(userId)?.erased === true || this.checked.includes(userId)
  }
}

/** The source and the homeserver of one case. */
export class SourceTrial {
  readonly harness: SourceHarness
  readonly #patienceMs: number
  #stop = new AbortController()

  constructor(harness: SourceHarness, options: SourceConformanceOptions) {
    this.harness = harness
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS
  }

  get source(): ErasureSource {
    return this.harness.source
  }

  user(localpart: string): UserId {
    return parseUserId(`@${localpart}:${this.harness.serverName}`)
  }

  async start(): Promise<TrialSink> {
    this.#stop = new AbortController()
    const sink = new TrialSink(this.#stop.signal)
    await this.prompt('start', this.source.start(sink))
    return sink
  }

  /** Ends watching as the SDK does. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.prompt('close', this.source.close())
  }

  look(userId: UserId): Promise<AccountState> {
    return this.source.look(userId, AbortSignal.timeout(this.#patienceMs))
  }

  /** What a look throws; fails if it throws nothing, or anything but a `SourceError` without secrets. */
  async lookFails(userId: UserId): Promise<SourceError> {
    try {
      await this.look(userId)
    } catch (error) {
      assert(error instanceof SourceError, 'look threw something else than a SourceError')
      this.#checkSecrets(error, userId)
      return error
    }
    throw new assert.AssertionError({ message: 'look did not reject' })
  }

  /** Waits until `holds`, and fails if it never does. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = Date.now() + this.#patienceMs
    while (!holds()) {
      assert(Date.now() < deadline, `Waited in vain until ${what}`)
      await pause(20)
    }
  }

  /** Waits for something that must not take long. */
  async prompt<Answer>(what: string, work: Promise<Answer>): Promise<Answer> {
    const over = new AbortController()
    const limitMs = Math.min(PROMPT_MS, this.#patienceMs)
    const late = pause(limitMs, undefined, { signal: over.signal }).then(() => {
      throw new assert.AssertionError({ message: `${what} took too long` })
    })
    late.catch(() => {})
    try {
      return await Promise.race([work, late])
    } finally {
      over.abort()
    }
  }

  /** Fails if anything is called meanwhile. */
  async quiet(sink: TrialSink): Promise<void> {
    const { calls } = sink
    await pause(QUIET_MS)
    assert.equal(sink.calls, calls, 'The sink was called after close')
  }

  /** Leaves nothing open. */
  async end(): Promise<void> {
    await this.close()
    await this.harness.remove?.()
  }

  #checkSecrets(error: SourceError, userId: string): void {
    const text = `${error.message} ${error.stack} ${String(error.cause)}`
    const isClean = ![...this.harness.secrets, userId].some(each => text.includes(each))
    assert(isClean, 'An error contains a user ID, a token or a password')
  }
}
