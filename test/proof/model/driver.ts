import { Process, SWEEP_MS } from './process.ts'
import {
  HANDLERS,
  type HandlerName,
  type Interruption,
  type Step,
  type User,
  USERS,
} from './steps.ts'
import type { World } from './world.ts'

/** How long the code may take to make good a failure outside: a sweep, and a minute. */
const GRACE_MS = SWEEP_MS + 60_000

/** Lets the steps of a schedule happen, and starts a process that crashed again. */
export class Driver {
  readonly #world: World
  #without: readonly HandlerName[] = []
  #blind: readonly HandlerName[] = []

  constructor(world: World) {
    this.#world = world
    world.interrupt = interruption => this.#interrupt(interruption)
  }

  /** Starts the first process. */
  async start(): Promise<void> {
    await this.#open()
    await this.#rest()
  }

  /** Ends the last one. */
  async stop(): Promise<void> {
    await this.#world.process?.close()
    this.#world.process?.end()
  }

  async take(step: Step): Promise<void> {
    const world = this.#world
    world.tell(JSON.stringify(step))
    if (step.do === 'advance') await this.advance(step.ms)
    else if (step.do === 'next') {
      world.script.next(step.handler, step.purge ?? [], step.verify ?? [])
    } else if (step.do === 'always') {
      world.script.always(step.handler, step.purge, step.verify)
    } else if (step.do === 'restart') await this.restart(step.without ?? [], step.blind)
    else if (step.do === 'at') {
      world.triggers.push({ left: step.point, then: step.then })
    } else if (step.do === 'new life') {
      world.data.add(userAt(step.user), world.clock.now + 1, 1)
    } else if (step.do === 'accept own') await this.#accept('@bridge:example.org')
    else await this.#interrupt(step)
    await this.#rest()
  }

  /** Lets time pass, from timer to timer. */
  async advance(ms: number, until: () => boolean = () => false): Promise<void> {
    const { clock } = this.#world
    const end = clock.now + ms
    while (!until()) {
      const at = clock.nextAt()
      if (at === undefined || at > end) {
        clock.now = end
        break
      }
      clock.fireNext()
      await this.#rest()
    }
    await this.#rest()
  }

  async restart(
    without: readonly HandlerName[],
    blind: readonly HandlerName[] = [],
  ): Promise<void> {
    // The last handler always stays: none at all is an error at start.
    this.#without = without.filter(name => name !== HANDLERS.at(-1))
    this.#blind = blind
    const { process } = this.#world
    if (process?.alive) await process.close()
    this.#world.restarts += 1
    await this.#open()
  }

  /** Nothing outside fails any more. */
  async heal(): Promise<void> {
    const { failing, clock } = this.#world
    this.#world.triggers = []
    for (const what of ['writes', 'reads', 'memory'] as const) {
      failing[what] = Math.min(failing[what], clock.now - 1)
    }
    await this.#rest()
  }

  /** This fails for so long. */
  #fail(what: keyof World['failing'], forMs: number): void {
    const { failing, clock, process } = this.#world
    failing[what] = clock.now + forMs
    if (process !== undefined) process.prompt = false
  }

  async #open(): Promise<void> {
    const world = this.#world
    const process = new Process(world, this.#without, this.#blind)
    process.prompt = world.lastFailure < world.clock.now
    process.since = world.clock.now
    world.process = process
    world.tell(`open, with ${process.registered.join(', ')}`)
    const opening = process.open().catch(() => {
      if (process.prompt) world.complain('the SDK could not be opened')
      process.end()
    })
    const opened = process.ask(opening)
    await world.settle()
    await opened
  }

  /** Lets everything come to rest; a process that crashed is started again. */
  async #rest(): Promise<void> {
    const world = this.#world
    await world.settle()
    while (world.process?.alive === false && world.complaints.length === 0) {
      const couldRead = !world.fails('reads')
      await this.#open()
      await world.settle()
      if (!couldRead) break
    }
    // Timers of one moment fire one by one: what is due may be what the next one is for.
    if ((world.clock.nextAt() ?? Infinity) > world.clock.now) this.#nothingStalls()
  }

  /** What is due has been done, unless something outside failed lately. */
  #nothingStalls(): void {
    const { model, clock, process, lastFailure, complaints } = this.#world
    if (process?.alive !== true || complaints.length > 0) return
    const { now } = clock
    const healthySince = Math.max(lastFailure, process.since)
    if (!process.prompt && now <= healthySince + GRACE_MS) return
    if (model.calls.size >= this.#world.schedule.concurrency) return
    for (const request of model.open()) {
      if (model.isBusy(request.user)) continue
      const graceMs = process.prompt ? 0 : GRACE_MS
      const late = now - model.dueBy(request) - graceMs
      if (late >= 0) this.#world.complain(`${request.id} stalls, ${late} ms late`)
      if (process.prompt && request.retryAsked) {
        this.#world.complain(`the retry of ${request.id} was not heard`)
      }
    }
  }

  /** Whether the code has no excuse for an error. */
  #isWell(): boolean {
    const { lastFailure, clock, process } = this.#world
    return lastFailure < clock.now && process?.closing !== true
  }

  /** What can also happen in the middle of something else. */
  async #interrupt(step: Interruption): Promise<void> {
    const world = this.#world
    const { process } = world
    if (step.do === 'crash') process?.crash()
    else if (step.do === 'comes back') {
      world.data.add(userAt(step.user), world.clock.start, 1, [step.handler])
    } else if (step.do === 'no writes') {
      world.howWritesFail = step.how
      this.#fail('writes', step.forMs)
    } else if (step.do === 'no reads') this.#fail('reads', step.forMs)
    else if (step.do === 'no memory') this.#fail('memory', step.forMs)
    else if (step.do === 'accept') await this.#accept(userAt(step.user))
    else if (step.do === 'lift') await this.#lift(userAt(step.user))
    else if (step.do === 'retry') await this.#retry(step.request)
  }

  async #accept(user: string): Promise<void> {
    const world = this.#world
    const { process, model } = world
    if (process?.alive !== true || process.erasure === undefined) return
    const isOwn = user === '@bridge:example.org'
    if (!isOwn) world.accepting.push(user)
    const wasWell = this.#isWell()
    const answer = await process.ask(
      process.erasure.accept(user).catch(() => 'failed' as const),
    )
    if (answer === 'died') return
    if (answer === 'failed') {
      if (wasWell && this.#isWell()) world.complain('accept failed')
      return
    }
    if (answer.declined !== isOwn) world.complain('the wrong user is declined')
    if (isOwn) return
    if (model.requests.get(answer.requestId)?.user === user) return
    world.complain(`${answer.requestId} was acknowledged, and is not stored`)
  }

  async #lift(user: User): Promise<void> {
    const world = this.#world
    const { process, model } = world
    if (process?.alive !== true || process.erasure === undefined) return
    world.lifting.push(user)
    const requests = model.requests.size
    const wasWell = this.#isWell()
    const lifted = await process.ask(
      process.erasure.lift(user).catch(() => 'failed' as const),
    )
    if (lifted === 'died') return
    world.lifting.splice(world.lifting.indexOf(user), 1)
    if (lifted === 'failed' && wasWell && this.#isWell()) world.complain('lift failed')
    if (lifted === 'failed') return
    if (world.refused.has(user)) world.complain('a refused lift is not tried again')
    if (requests !== model.requests.size) return
    if (model.isErased(user)) world.complain(`${user} is not lifted`)
  }

  async #retry(index: number): Promise<void> {
    const world = this.#world
    const { process, model } = world
    const open = model.open()
    const request = open[index % open.length]
    if (process?.alive !== true || request === undefined) return
    if (process.erasure === undefined) return
    const wasWell = this.#isWell()
    world.askingRetry = true
    const asking = process.erasure.retry(request.id)
    world.askingRetry = false
    const asked = await process.ask(
      asking.then(
        () => 'asked',
        () => 'failed',
      ),
    )
    if (asked !== 'failed' || request.gone || !wasWell || !this.#isWell()) return
    world.complain(`retry of ${request.id} failed`)
  }
}

function userAt(index: number): User {
  return USERS[index % USERS.length] ?? USERS[0]
}
