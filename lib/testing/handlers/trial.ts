import { systemClock } from '../../host/clock.ts'
import { createRequestIds } from '../../request/request-id.ts'
import { type Logger, silentLogger } from '../../host/logger.ts'
import { createRedactor } from '../../matrix/redactor.ts'
import type { UserId } from '../../matrix/user-id.ts'
import type { RegisteredHandler } from '../../purge/handler-plan.ts'
import { type CallContext, callPurge, callVerify } from '../../purge/call-handler.ts'

/** The number of slices after which a handler counts as endless. */
const MAX_SLICES = 1000

/** The result of running a handler to its end. */
export interface TrialRun {
  readonly slices: number
  readonly removed: number
  /** How many items it said it retains. */
  readonly retained: number
}

/** Calls one handler for one user, and collects in plain sentences what it got wrong. */
export class Trial {
  readonly userId: UserId
  readonly problems: string[] = []
  /** Whether the handler handed the user to its logger. */
  loggedUser = false
  readonly #handler: RegisteredHandler
  readonly #receivedAt: Date
  readonly #redact: (text: string) => string

  constructor(handler: RegisteredHandler, userId: UserId) {
    this.#handler = handler
    this.userId = userId
    this.#redact = createRedactor(userId)
    // Data planted during the test must be older than the request.
    this.#receivedAt = new Date(Date.now() + 60 * 60 * 1000)
  }

  /** Adds `sentence` to the problems unless `holds`. */
  expect(holds: boolean, sentence: string): void {
    if (!holds && !this.problems.includes(sentence)) this.problems.push(sentence)
  }

  /**
   * Runs `purge` to its end.
   *
   * @param loseResultOf - the slice after which the process is killed: its result is not stored,
   *   so the handler is called again with the cursor before
   */
  async purge(when: string, loseResultOf?: number): Promise<TrialRun | undefined> {
    let cursor: string | undefined
    const total = { slices: 0, removed: 0, retained: 0 }
    while (total.slices < MAX_SLICES) {
      const outcome = await this.#slice(cursor)
      if (typeof outcome === 'string') {
        this.expect(
          false,
          `${when}, purge ended with ${outcome}${ADVICE[outcome] ?? ''}.`,
        )
        return undefined
      }
      total.slices += 1
      if (total.slices === loseResultOf) continue
      total.removed += outcome.removed
      total.retained += outcome.retained.reduce((sum, { count }) => sum + count, 0)
      if (outcome.more === undefined) return total
      if (outcome.more === cursor && outcome.removed === 0 && outcome.waitMs === 0) {
        this.expect(
          false,
          `${when}, purge made no progress: it returned the cursor it was given.`,
        )
        return undefined
      }
      cursor = outcome.more
    }
    this.expect(
      false,
      `${when}, purge had not come to an end after ${MAX_SLICES} slices.`,
    )
    return undefined
  }

  /** Asks `verify`, if there is one. */
  async verify(when: string): Promise<number | undefined> {
    if (this.#handler.handler.verify === undefined) return undefined
    const outcome = await callVerify(this.#handler, this.#context())
    if (typeof outcome === 'number') return outcome
    this.expect(false, `${when}, verify ended with ${outcome}.`)
    return undefined
  }

  #slice(cursor: string | undefined) {
    const slice =
      cursor === undefined ? { attempt: 1 } : { attempt: 1, cursor: JSON.parse(cursor) }
    return callPurge(this.#handler, this.#context(), slice)
  }

  #context(): CallContext {
    return {
      subject: {
        userId: this.userId,
        requestId: createRequestIds()(systemClock.now()),
        receivedAt: this.#receivedAt,
      },
      clock: systemClock,
      signal: new AbortController().signal,
      log: this.#listeningLogger(),
      emit: () => {},
      redact: this.#redact,
    }
  }

  /** The SDK removes the user from a line. If it removed something, the handler logged the user. */
  #listeningLogger(): Logger {
    const redacted = this.#redact(this.userId)
    const listen = (message: string, fields: object = {}) => {
      if (`${message} ${JSON.stringify(fields)}`.includes(redacted))
        this.loggedUser = true
    }
    return { ...silentLogger, debug: listen, info: listen, warn: listen, error: listen }
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  PURGE_FAILED: ': it threw',
  PURGE_INVALID: ': what it returned is not a purge result',
  PURGE_TIMEOUT: ': one slice took longer than timeoutMs; do less in one',
}
