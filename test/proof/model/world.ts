import { memoryStore } from '../../support/memory-store.ts'
import type { StoreAdapter } from '../../../lib/store/adapter.ts'
import { BridgeData } from './bridge-data.ts'
import { Model } from './model.ts'
import type { Process } from './process.ts'
import { Script } from './script.ts'
import type { Interruption, Schedule, WriteFault } from './steps.ts'
import { WorldClock } from './world-clock.ts'

/** Points within one moment: more, and the code goes round in circles. */
const MOST_POINTS = 20_000

/** How long something is held, in turns of the event loop. */
const MOST_TURNS = 6

/** What stays when a process ends. */
export interface Disk {
  /** Opens the store for one process. */
  open(process: Process): StoreAdapter
}

/**
 * A disk that is a map.
 * @param conditional - it has `writeIf`
 */
export function memoryDisk(conditional = true): Disk {
  const store = memoryStore(conditional)
  return { open: () => store }
}

interface Trigger {
  left: number
  readonly then: Interruption
}

/** Everything outside the code: time, disk, data, the scripts of the handlers, and the model. */
export class World {
  readonly clock = new WorldClock()
  readonly data = new BridgeData(this.clock.start)
  /** What there is about people nobody asks to erase. */
  readonly bystanders = this.data.bystanders()
  readonly script = new Script()
  readonly model: Model
  readonly schedule: Schedule
  readonly disk: Disk
  readonly complaints: string[] = []
  triggers: Trigger[] = []
  /** Users whose `accept` has begun and is not stored, in order. */
  readonly accepting: string[] = []
  /** Users whose `lift` has begun, once for each. */
  lifting: string[] = []
  /** Users who are still erased because a write of `lift` was refused. */
  readonly refused = new Set<string>()
  /** A `retry` begins: what is read now is not read by whoever works on the request. */
  askingRetry = false
  /** Which user a tombstone is of. */
  readonly tags = new Map<string, string>()
  /** Until when things fail, this moment included. */
  readonly failing = { writes: -1, reads: -1, memory: -1 }
  howWritesFail: WriteFault = 'throw'
  /** The test looks itself: no points, no faults. */
  looking = false
  process: Process | undefined
  points = 0
  /** How many there were when the test looked last. */
  checkedAt = 0
  crashes = 0
  restarts = 0
  interrupt: (interruption: Interruption) => Promise<void> = async () => {}
  readonly #story: string[] = []
  readonly #names = new Map<string, string>()
  #moment = { at: 0, points: 0 }

  constructor(schedule: Schedule, disk: Disk) {
    this.schedule = schedule
    this.disk = disk
    this.model = new Model({
      settleMs: schedule.settleMs,
      now: () => this.clock.now,
      object: what => this.complain(what),
    })
  }

  /**
   * Where the code awaits the outside: here a process can crash, or something come between.
   * Whoever comes back must look whether the process is still alive: others may have ended it.
   */
  async point(process: Process): Promise<void> {
    if (process.closed) this.complain('it goes on after it has closed')
    if (!process.alive) return forever()
    if (this.looking) return
    this.points += 1
    if (this.#goesRoundInCircles()) {
      this.complain('it does not come to rest')
      process.crash()
    }
    for (const trigger of this.triggers) trigger.left -= 1
    const due = this.triggers.filter(({ left }) => left <= 0)
    this.triggers = this.triggers.filter(({ left }) => left > 0)
    for (const { then } of due) {
      this.tell(`  in the middle of it: ${JSON.stringify(then)}`)
      await this.#hold(process, this.interrupt(then))
    }
    return process.alive ? undefined : forever()
  }

  /** Lets everything that is under way get as far as it can without time passing. */
  async settle(): Promise<void> {
    for (let before = -1; before !== this.points || this.process?.isWaiting;) {
      before = this.points
      await new Promise(setImmediate)
    }
  }

  /** Whether this fails now. */
  fails(what: keyof World['failing']): boolean {
    return this.clock.now <= this.failing[what]
  }

  /** When something outside failed last, or will. */
  get lastFailure(): number {
    return Math.max(...Object.values(this.failing))
  }

  complain(what: string): void {
    const complaint = this.name(what)
    this.tell(`✗ ${complaint}`)
    this.complaints.push(complaint)
  }

  /** Adds a line to the story a failure prints. */
  tell(line: string): void {
    // What comes after the first complaint only follows from it.
    if (this.complaints.length > 0) return
    const hours = ((this.clock.now - this.clock.start) / 3_600_000).toFixed(4)
    this.#story.push(`${hours.padStart(10)} h  ${this.name(line)}`)
  }

  /** Request ids as r1, r2 and so on. */
  name(text: string): string {
    return text.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, id => {
      const name = this.#names.get(id) ?? `r${this.#names.size + 1}`
      this.#names.set(id, name)
      return name
    })
  }

  story(): string {
    return this.#story.slice(-80).join('\n')
  }

  /** Holds a caller until something else is done, or waits for one in its turn. */
  async #hold(process: Process, something: Promise<void>): Promise<void> {
    const it = { isDone: false }
    void something.then(() => (it.isDone = true))
    process.waiting += 1
    for (let turn = 0; turn < MOST_TURNS && !it.isDone; turn += 1) {
      await new Promise(setImmediate)
    }
    process.waiting -= 1
  }

  #goesRoundInCircles(): boolean {
    if (this.#moment.at !== this.clock.now)
      this.#moment = { at: this.clock.now, points: 0 }
    this.#moment.points += 1
    return this.#moment.points > MOST_POINTS
  }
}

/** What a process that has crashed waits for. A new one each time, so that nothing piles up. */
export function forever(): Promise<never> {
  return new Promise(() => {})
}
