import type { Fetch } from '../../../lib/sources/synapse/admin-api.ts'
import type { StoreAdapter } from '../../../lib/store/adapter.ts'
import { fetchSimulated } from '../../support/simulated-synapse/fetch-simulated.ts'
import type { SimulatedSynapse } from '../../support/simulated-synapse/simulated-synapse.ts'
import { seedMathRandom } from '../model/seed-math-random.ts'
import { FULL_INTERVAL_MS, INTERVAL_MS, Process, SWEEP_MS } from './process.ts'
import {
  EVERYBODY,
  GHOST,
  GUEST,
  type Interruption,
  type Schedule,
  type Step,
} from './steps.ts'
import { World } from './world.ts'

/** For what lasts a little: twelve people of a first run, at a tenth of a second each. */
const SLACK_MS = 3000

/** Where a schedule happens. */
export interface Place {
  /** Opens the store for one process; what was stored is there again. */
  openStore(): StoreAdapter
  /** How the homeserver is reached. Default: without a network. */
  readonly fetchFrom?: (homeserver: SimulatedSynapse) => Fetch
}

/** How much a run tried. */
export interface Figures {
  readonly erasures: number
  readonly requests: number
  readonly asked: number
  readonly crashes: number
}

/**
 * Lets a schedule happen, and holds the code to the promise after every timer. Then repairs
 * everything, and lets both intervals pass.
 *
 * @throws Error with the story, where code and promise part
 */
export async function runSchedule(schedule: Schedule, place: Place): Promise<Figures> {
  const restoreRandom = seedMathRandom(1)
  const run = new Run(schedule, place)
  try {
    await run.open()
    for (const step of schedule.steps) await run.take(step)
    await run.heal()
    await run.advance(FULL_INTERVAL_MS + INTERVAL_MS + SLACK_MS)
    await run.advance(FULL_INTERVAL_MS + SLACK_MS)
    await run.checkTombstones()
    return run.figures()
  } finally {
    run.process?.crash()
    restoreRandom()
  }
}

class Run {
  readonly world: World
  readonly #suspects = new Set<string>()
  process: Process | undefined
  readonly #place: Place
  readonly #fetch: Fetch
  /** When the homeserver's latest upgrade has been noticed for sure. */
  #upgradedAt = -1
  #crashes = 0
  #taken = 0

  constructor(schedule: Schedule, place: Place) {
    this.world = new World(schedule)
    this.world.interrupt = interruption => this.#interrupt(interruption)
    this.#place = place
    this.#fetch = (place.fetchFrom ?? fetchSimulated)(this.world.homeserver)
  }

  async open(): Promise<void> {
    const { world } = this
    const process = new Process(world, this.#place.openStore(), this.#fetch)
    this.process = process
    world.tell('open')
    const opening = process.open().catch(() => {
      if (!world.fails('writes')) world.complain('the SDK could not be opened')
      // Somebody starts it again.
      this.#crash(1000)
    })
    await world.settle()
    void opening
  }

  async take(step: Step): Promise<void> {
    const { world } = this
    this.#taken += 1
    world.tell(JSON.stringify(step))
    if (step.do === 'advance') return this.advance(step.ms)
    if (step.do === 'at') world.triggers.push({ left: step.point, then: step.then })
    else if (step.do === 'hint') this.process?.erasure?.hint(nameOf(step.user))
    else if (step.do === 'MAS' || step.do === 'version 3') this.#upgrade(step)
    else this.#interrupt(step)
    await this.#rest()
  }

  /** Lets time pass, from timer to timer. */
  async advance(ms: number): Promise<void> {
    const { world } = this
    const end = world.now + ms
    for (;;) {
      const at = Math.min(world.clock.nextAt() ?? end + 1, this.#nextEnd())
      if (at > end) break
      if (at === world.clock.nextAt()) world.clock.fireNext()
      else world.clock.now = at
      await this.#rest()
    }
    world.clock.now = end
    await this.#rest()
  }

  /** Nothing fails any more. */
  async heal(): Promise<void> {
    const { world } = this
    world.tell('all is well from now on')
    world.triggers = []
    for (const what of ['trouble', 'lag', 'writes', 'down'] as const)
      world.until[what] = Math.min(world.until[what], world.now - 1)
    await this.#rest()
  }

  /** Whoever is erased counts as erased, as long as tombstones last, and nobody else. */
  async checkTombstones(): Promise<void> {
    const { world, process } = this
    if (world.schedule.tombstoneMs === 0) return
    for (const name of EVERYBODY) {
      if (name === GHOST || (name === GUEST && world.homeserver.hasMas)) continue
      const isErased = await process?.erasure?.isErased(name)
      const should = world.homeserver.accounts.get(name)?.erased
      if (isErased !== should) world.complain(`isErased of ${name} is ${isErased}`)
    }
    this.#verdict()
  }

  figures(): Figures {
    const { ledger, homeserver } = this.world
    const sum = (count: (name: string) => number) =>
      EVERYBODY.reduce((total, name) => total + count(name), 0)
    return {
      erasures: sum(name => ledger.of(name).erasures),
      requests: sum(name => ledger.of(name).requests.size),
      asked: homeserver.asked.length,
      crashes: this.#crashes,
    }
  }

  async #rest(): Promise<void> {
    const { world } = this
    if (world.fails('trouble') === false) world.homeserver.trouble = 'nothing'
    if (!world.fails('lag')) world.homeserver.catchUp()
    await world.settle()
    while (this.process?.alive === false && !world.fails('down')) {
      await this.open()
      await world.settle()
    }
    world.ledger.settled()
    this.#check()
    await this.#judgeSuspects()
    this.#verdict()
  }

  /**
   * Whether it was noticed that somebody is back can be unknown, when it was being stored as writing
   * began to fail. What is stored tells.
   */
  async #judgeSuspects(): Promise<void> {
    for (const name of this.#suspects) {
      if ((await this.process?.isReported(name)) === true)
        this.world.complain(`nobody has noticed that ${name} is back`)
    }
    this.#suspects.clear()
  }

  /** When the next outage ends. */
  #nextEnd(): number {
    const { until, now } = this.world
    const ends = Object.values(until).filter(end => end >= now)
    return Math.min(...ends.map(end => end + 1))
  }

  #interrupt(step: Interruption): void {
    const { world } = this
    const { until, now, homeserver } = world
    if (step.do === 'crash') this.#crash(step.forMs)
    else if (step.do === 'trouble') {
      homeserver.trouble = step.trouble
      until.trouble = now + step.forMs
    } else if (step.do === 'lag') {
      if (!homeserver.isLagging) homeserver.lag()
      until.lag = now + step.forMs
    } else if (step.do === 'no writes') {
      until.writes = now + step.forMs
      world.ledger.interrupted()
    } else world.move(step)
  }

  #crash(forMs: number): void {
    if (this.process?.alive !== true) return
    this.#crashes += 1
    this.process.crash()
    this.world.until.down = this.world.now + forMs
  }

  #upgrade(step: { do: 'MAS' | 'version 3'; has: boolean }): void {
    const { homeserver, now } = this.world
    if (step.do === 'MAS') homeserver.hasMas = step.has
    else homeserver.hasV3 = step.has
    // Until it is noticed: what there was before may still be asked for, and refused.
    this.#upgradedAt = now + FULL_INTERVAL_MS
  }

  /** Since when both sides have been well. */
  get #healthySince(): number {
    const { trouble, lag, down, writes } = this.world.until
    // A request that could not be worked on waits for the sweep, and for its handler's next attempt.
    return Math.max(this.#upgradedAt, trouble, lag, down, writes + 2 * SWEEP_MS)
  }

  /** Whether everything that should have happened by now has happened, and nothing else. */
  #check(): void {
    const { ledger, homeserver } = this.world
    for (const wrong of ledger.wrongs()) this.world.complain(wrong)
    for (const name of EVERYBODY) {
      if (name === GHOST || (name === GUEST && homeserver.hasMas)) continue
      if (homeserver.accounts.get(name)?.erased === true) this.#checkErased(name)
      else this.#checkPresent(name)
    }
  }

  #checkErased(name: string): void {
    const { since, listedSince } = this.world.ledger.of(name)
    const isLate =
      this.#isLongAgo(since, FULL_INTERVAL_MS) ||
      (listedSince !== undefined && this.#isLongAgo(listedSince, INTERVAL_MS))
    if (isLate && !this.world.ledger.isCovered(name))
      this.world.complain(`${name} is missed`)
  }

  #checkPresent(name: string): void {
    const { since, requests, presentAt, requestedAt } = this.world.ledger.of(name)
    if (requests.size === 0 || presentAt > requestedAt) return
    if (this.#isLongAgo(since, FULL_INTERVAL_MS)) this.#suspects.add(name)
  }

  #isLongAgo(since: number, intervalMs: number): boolean {
    return this.world.now - Math.max(since, this.#healthySince) > intervalMs + SLACK_MS
  }

  #verdict(): void {
    const { world } = this
    if (world.complaints.length === 0) return
    const { steps, ...others } = world.schedule
    const lines = [
      ...world.complaints.slice(0, 3),
      '',
      JSON.stringify(others),
      ...steps.slice(0, this.#taken).map(step => `  ${JSON.stringify(step)},`),
      '',
      'What happened, at last:',
      world.story(),
    ]
    throw new Error(lines.join('\n'))
  }
}

function nameOf(user: number): string {
  return EVERYBODY[user % EVERYBODY.length] ?? GUEST
}
