import type { TestServer } from '../../support/postgres/server.ts'
import type { PlacedCall } from './check.ts'
import type { Host, Life } from './host.ts'
import { type Call, readJournal } from './journal.ts'
import { progressWatch } from './progress-watch.ts'

const POLL_MS = 50
/** How long nobody more may be at work before that is given up. */
const LOOK_MS = 60_000

/** What was done, for the report. */
export interface FaultFigures {
  kills: number
  stops: number
  holes: number
  cuts: number
  restarts: number
}

/** A process that was killed in the middle of calls. */
export interface Killed {
  readonly at: number
  readonly life: Life
  /** What it had begun and not ended. */
  readonly calls: readonly Call[]
}

/** Disturbs hosts and their database. */
export class Faults {
  readonly figures: FaultFigures = { kills: 0, stops: 0, holes: 0, cuts: 0, restarts: 0 }
  readonly killed: Killed[] = []
  /** What has begun and has not ended. */
  readonly underWay = new Set<string>()
  readonly #server: TestServer
  #restarting: Promise<void> = Promise.resolve()

  constructor(server: TestServer) {
    this.#server = server
  }

  /** Kills a process in the middle of calls, and starts another one after `downMs`. */
  kill(host: Host, downMs: number): Promise<void> {
    return this.#note(`${host.name} is killed`, () => this.#kill(host, downMs))
  }

  async #kill(host: Host, downMs: number): Promise<void> {
    const life = host.lives.at(-1)
    const at = await host.kill()
    this.figures.kills += 1
    const calls = life === undefined ? [] : readJournal(life.journal).calls
    const open = calls.filter(({ end }) => end === undefined)
    if (life !== undefined) this.killed.push({ at, life, calls: open })
    await sleep(downMs)
    await startAgain(host)
  }

  /** Stops a process for longer than its lease lasts. */
  async stop(host: Host, ms: number): Promise<void> {
    this.figures.stops += 1
    await this.#note(`${host.name} is stopped`, () => host.stop(ms))
  }

  /** Lets nothing through between a process and the database; then all of it, or nothing ever. */
  async blackHole({ proxy }: Host, ms: number, cutAfter: boolean): Promise<void> {
    this.figures.holes += 1
    proxy.blackHole()
    await sleep(ms)
    if (cutAfter) proxy.cut()
    proxy.resume()
  }

  cut({ proxy }: Host): void {
    this.figures.cuts += 1
    proxy.cut()
  }

  /** Has the database crash. */
  restartDatabase(): Promise<void> {
    this.figures.restarts += 1
    this.#restarting = this.#restarting.then(() =>
      this.#note('the database crashes', () => this.#server.restart('immediate')),
    )
    return this.#restarting
  }

  async #note<Result>(what: string, fault: () => Promise<Result>): Promise<Result> {
    this.underWay.add(what)
    try {
      return await fault()
    } finally {
      this.underWay.delete(what)
    }
  }
}

/** A process may find no database when it starts: whoever runs it starts it again. */
async function startAgain(host: Host): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await host.start()
    } catch (error) {
      await host.kill()
      if (attempt === 10) throw error
      await sleep(500)
    }
  }
}

/** Waits until each of these users is being worked on by one of the hosts. */
export async function untilAtWork(
  hosts: readonly Host[],
  users: ReadonlySet<number>,
): Promise<void> {
  const isStuck = progressWatch(LOOK_MS)
  for (;;) {
    const atWork = new Set(
      hosts.flatMap(host => host.openCalls()).map(({ user }) => user),
    )
    const idle = [...users].filter(user => !atWork.has(user)).length
    if (idle === 0) return
    if (isStuck(idle)) throw new Error(`${idle} users are not worked on`)
    await sleep(POLL_MS)
  }
}

/**
 * How long it took until another process went on with what a killed one was in the middle of.
 *
 * @returns milliseconds, for each call that was; `undefined` for one that nobody went on with
 */
export function resumedAfterMs(
  { at, life, calls }: Killed,
  all: readonly PlacedCall[],
): Array<number | undefined> {
  return calls.map(({ user, begin }) => {
    const later = all.filter(
      call => call.user === user && call.life !== life && call.begin > begin,
    )
    const first = Math.min(...later.map(({ begin }) => begin))
    return later.length === 0 ? undefined : Math.max(0, first - at) / 1000
  })
}

export function sleep(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
