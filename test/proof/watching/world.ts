import { setImmediate as turn } from 'node:timers/promises'

import { SimulatedSynapse } from '../../support/simulated-synapse/simulated-synapse.ts'
import { WorldClock } from '../model/world-clock.ts'
import { Ledger } from './ledger.ts'
import {
  EVERYBODY,
  GHOST,
  GUEST,
  type Interruption,
  type Move,
  type Schedule,
} from './steps.ts'

/** Turns of the event loop in which nothing happens, until everything has come to rest. */
const QUIET_TURNS = 4

interface Trigger {
  left: number
  readonly then: Interruption
}

/** Everything outside the code: time, the homeserver, the disk, and what has happened. */
export class World {
  readonly clock = new WorldClock()
  readonly homeserver = new SimulatedSynapse()
  readonly ledger = new Ledger()
  readonly schedule: Schedule
  readonly complaints: string[] = []
  triggers: Trigger[] = []
  /** Until when things are not as they should be; this moment included. */
  readonly until = { trouble: -1, lag: -1, writes: -1, down: -1 }
  /** Counts whatever the code does outside. */
  points = 0
  /** Requests and calls of the store that are under way. */
  waiting = 0
  interrupt: (interruption: Interruption) => void = () => {}
  readonly #story: string[] = []

  constructor(schedule: Schedule) {
    this.schedule = schedule
    const { accounts } = this.homeserver
    for (const name of EVERYBODY)
      accounts.add(name, {
        isGuest: name === GUEST,
        appserviceId: name === GHOST ? 'irc' : null,
      })
    accounts.add('@bob:hs.test.example')
    for (const user of schedule.before) this.move({ do: 'erase', user })
  }

  get now(): number {
    return this.clock.now
  }

  /** Where the code reaches the outside: here things come between. */
  point(): void {
    this.points += 1
    for (const trigger of this.triggers) trigger.left -= 1
    const due = this.triggers.filter(({ left }) => left <= 0)
    this.triggers = this.triggers.filter(({ left }) => left > 0)
    for (const { then } of due) {
      this.tell(`  in the middle of it: ${JSON.stringify(then)}`)
      this.interrupt(then)
    }
  }

  fails(what: keyof World['until']): boolean {
    return this.now <= this.until[what]
  }

  /** Lets everything that is under way get as far as it can without time passing. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet += 1) {
      const before = this.points
      await turn()
      if (before !== this.points || this.waiting > 0) quiet = 0
    }
  }

  /** The homeserver does something to an account. */
  move(move: Move): void {
    const { accounts } = this.homeserver
    if (move.do === 'new account') {
      const name = `@${String.fromCodePoint(97 + (move.at % 7))}${move.at}:hs.test`
      if (accounts.get(name) === undefined)
        accounts.add(name).deactivated = move.deactivated
      return
    }
    const name = EVERYBODY[move.user % EVERYBODY.length] as string
    const was = accounts.get(name)?.erased
    if (move.do === 'erase' || move.do === 'deactivate')
      accounts.deactivate(name, move.do === 'erase')
    else if (move.do === 'begin erasure') accounts.beginErasure(name)
    else if (move.do === 'reactivate') accounts.reactivate(name)
    else if (move.do === 'reactivate halfway') accounts.reactivateHalfway(name)
    else accounts.lock(name, move.locked)
    this.#note(name, was === true)
  }

  #note(name: string, was: boolean): void {
    const entry = this.ledger.of(name)
    const { erased = false, deactivated = false } =
      this.homeserver.accounts.get(name) ?? {}
    if (erased !== was) entry.since = this.now
    if (erased && !was) entry.erasures += 1
    if (!erased || !deactivated) entry.listedSince = undefined
    else entry.listedSince ??= this.now
  }

  complain(what: string): void {
    this.tell(`✗ ${what}`)
    this.complaints.push(what)
  }

  /** Adds a line to the story that a failure prints. */
  tell(line: string): void {
    if (this.complaints.length > 0) return
    const minutes = (this.now - this.clock.start) / 60_000
    this.#story.push(`${minutes.toFixed(3).padStart(10)} min  ${line}`)
  }

  story(): string {
    return this.#story.slice(-80).join('\n')
  }
}
