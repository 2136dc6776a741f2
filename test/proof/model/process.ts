import { createErasure } from '../../../lib/core/create-erasure.ts'
import type { Erasure } from '../../../lib/core/erasure.ts'
import type { LogFields, Logger } from '../../../lib/host/logger.ts'
import { inProcessScheduler } from '../../../lib/schedule/in-process.ts'
import type { Scheduler } from '../../../lib/schedule/scheduler.ts'
import type { StoreAdapter } from '../../../lib/store/adapter.ts'
import { REGISTRATION } from '../../support/open-erasure.ts'
import { createHandler, RULES } from './handlers.ts'
import { outsideStore } from './outside-store.ts'
import { HANDLERS, type HandlerName, namesSomebody } from './steps.ts'
import { forever, type World } from './world.ts'

/** How long `close` waits for handlers: no multiple of any other time here. */
const DRAIN_MS = 7001
/** What the sweep needs at most to make good whatever failed: its own turn, and a minute. */
export const SWEEP_MS = 20 * 60_000

/** One process of the bridge, from its start until it closes or crashes. */
export class Process {
  readonly registered: readonly HandlerName[]
  alive = true
  /** It closes, and takes nothing on any more. */
  closing = false
  /** It has closed in good order, and must do nothing any more. */
  closed = false
  /** Nothing outside has failed it yet, so there is no excuse for doing things late. */
  prompt = true
  /** Aborts when `close` has lost its patience. */
  workSignal: AbortSignal | undefined
  since = 0
  /** Calls of the disk that have not come back. */
  waiting = 0
  /** Once it is open. */
  erasure: Erasure | undefined
  /** The store without the outside: nothing fails. */
  readonly store: StoreAdapter
  readonly #world: World
  readonly #death = Promise.withResolvers<'died'>()

  readonly #blind: readonly HandlerName[]

  constructor(
    world: World,
    without: readonly HandlerName[],
    blind: readonly HandlerName[],
  ) {
    this.#world = world
    this.#blind = blind
    this.registered = HANDLERS.filter(name => !without.includes(name))
    this.store = world.disk.open(this)
  }

  get isWaiting(): boolean {
    return this.alive && this.waiting > 0
  }

  /** Opens and starts the SDK; if that fails, the process ends. */
  async open(): Promise<void> {
    const world = this.#world
    const rules = this.registered.map(name => ({
      ...RULES[name],
      after: RULES[name].after.filter(other =>
        this.registered.some(here => here === other),
      ),
      verifies: RULES[name].verifies && !this.#blind.includes(name),
      attempts: world.schedule.attempts,
    }))
    world.model.began(rules)
    const clock = world.clock.of(() => this.alive)
    const erasure = await createErasure({
      registration: REGISTRATION,
      key: Buffer.alloc(32, 7),
      store: outsideStore(world, this, this.store),
      allowVolatileStore: true,
      scheduler: this.#scheduler(),
      settleMs: world.schedule.settleMs,
      sweepMs: SWEEP_MS,
      clock,
      logger: this.#log(),
    })
    this.erasure = erasure
    for (const rule of rules) {
      erasure.onUserErase(rule.name, createHandler(world, this, rule))
    }
    await erasure.start()
  }

  /** Ends at once. What was written stays; nothing else does. */
  crash(): void {
    if (!this.alive) return
    this.#world.tell('crash')
    this.#world.crashes += 1
    this.end()
  }

  end(): void {
    this.alive = false
    this.#world.model.began([])
    this.#world.accepting.length = 0
    this.#world.lifting.length = 0
    this.#world.refused.clear()
    void this.store.disconnect?.()
    this.#death.resolve('died')
  }

  /** Waits for what the code promised, or for the end of the process. */
  ask<Answer>(answer: Promise<Answer>): Promise<Answer | 'died'> {
    return Promise.race([answer, this.#death.promise])
  }

  /** Closes in good order. */
  async close(): Promise<void> {
    const { clock } = this.#world
    const latest = clock.now + DRAIN_MS
    this.closing = true
    const closing = this.erasure?.close().then(() => (this.closed = true))
    closing?.catch(() => this.#world.complain('close failed'))
    await this.#world.settle()
    while (!this.closed && this.alive) {
      const at = clock.nextAt()
      if (at === undefined || at > latest) {
        this.#world.complain('close does not come to an end')
        return
      }
      clock.fireNext()
      await this.#world.settle()
    }
    if (!this.alive) return
    if (this.#world.model.calls.size > 0) {
      this.#world.complain('it has closed, and a handler still works')
    }
    this.end()
  }

  #scheduler(): Scheduler {
    const world = this.#world
    const clock = world.clock.of(() => this.alive)
    const { concurrency } = world.schedule
    const inner = inProcessScheduler({ clock, concurrency, drainMs: DRAIN_MS })
    let forgotten = 0
    return {
      async schedule(...given) {
        if (!world.fails('memory')) return inner.schedule(...given)
        forgotten += 1
        if (forgotten % 2 === 0) throw new Error('the queue is gone')
      },
      start: work =>
        inner.start(async (id, signal) => {
          if (!this.alive) return forever()
          this.workSignal = signal
          const again = await work(id, signal)
          return world.fails('memory') ? undefined : again
        }),
      close: () => inner.close(),
    }
  }

  #log(): Logger {
    const write =
      (level: keyof Logger) =>
      (message: string, fields: LogFields = {}) => {
        const line = `${message} ${JSON.stringify(fields)}`
        if (namesSomebody(line))
          this.#world.complain(`a log line names the user: ${line}`)
        if (this.alive && level !== 'debug') this.#world.tell(`    ${level}: ${line}`)
      }
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    }
  }
}
