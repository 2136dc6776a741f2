import TinyQueue from 'tinyqueue'

import { type Clock, systemClock } from '../host/clock.ts'
import type { RequestId } from '../request/request-id.ts'
import type { UserTag } from '../user-seal/user-seal.ts'
import {
  DEFAULT_CONCURRENCY,
  DEFAULT_DRAIN_MS,
  type Scheduler,
  type Work,
} from './scheduler.ts'

/** How the scheduler inside this process behaves. */
export interface InProcessSchedulerOptions {
  /**
   * How many requests are worked on side by side. Default: 4. Too high: purges compete with
   * the bridge for its database. Too low: one slow remote network holds everybody up.
   */
  readonly concurrency?: number
  /**
   * How long `close` lets work in progress go on before it aborts it. Default: 10,000 ms. Too
   * high: the service manager kills the process first. Too low: slices are done twice.
   */
  readonly drainMs?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** Schedules in this process, for a bridge that is one process. Remembers nothing on disk. */
export function inProcessScheduler(options: InProcessSchedulerOptions = {}): Scheduler {
  const {
    concurrency = DEFAULT_CONCURRENCY,
    drainMs = DEFAULT_DRAIN_MS,
    clock = systemClock,
  } = options
  if (!Number.isSafeInteger(concurrency) || concurrency < 1) {
    throw new TypeError(
      `Expected \`concurrency\` to be an integer >= 1, got ${concurrency}`,
    )
  }
  return new InProcessScheduler(concurrency, drainMs, clock)
}

interface Entry {
  readonly id: RequestId
  readonly at: number
  readonly group: UserTag
}

class InProcessScheduler implements Scheduler {
  readonly #concurrency: number
  readonly #drainMs: number
  readonly #clock: Clock
  readonly #queue = new TinyQueue<Entry>([], (a, b) => a.at - b.at)
  /** The entry that counts for each id; an entry in the queue that is not it is outdated. */
  readonly #current = new Map<string, Entry>()
  /** Due entries whose group is being worked on. */
  readonly #parked = new Map<string, Entry[]>()
  readonly #running = new Map<string, Promise<void>>()
  readonly #abort = new AbortController()
  #work: Work | undefined
  #cancelTimer = () => {}

  constructor(concurrency: number, drainMs: number, clock: Clock) {
    this.#concurrency = concurrency
    this.#drainMs = drainMs
    this.#clock = clock
  }

  async schedule(id: RequestId, at: Date, group: UserTag): Promise<void> {
    this.#enqueue({ id, at: at.getTime(), group })
    this.#pump()
  }

  /** The earlier time wins. */
  #enqueue(entry: Entry): void {
    const known = this.#current.get(entry.id)
    if (known !== undefined && known.at <= entry.at) return
    this.#current.set(entry.id, entry)
    this.#queue.push(entry)
  }

  async start(work: Work): Promise<void> {
    this.#work = work
    this.#pump()
  }

  async close(): Promise<void> {
    this.#work = undefined
    this.#cancelTimer()
    const cancelDrain = this.#clock.setTimer(() => this.#abort.abort(), this.#drainMs)
    await Promise.all(this.#running.values())
    cancelDrain()
  }

  #pump(): void {
    this.#cancelTimer()
    while (this.#work !== undefined && this.#running.size < this.#concurrency) {
      const next = this.#queue.peek()
      if (next === undefined) return
      const delayMs = next.at - this.#clock.now()
      if (delayMs > 0) {
        this.#cancelTimer = this.#clock.setTimer(() => this.#pump(), delayMs)
        return
      }
      this.#queue.pop()
      if (this.#current.get(next.id) === next) this.#begin(next, this.#work)
    }
  }

  #begin(entry: Entry, work: Work): void {
    if (this.#running.has(entry.group)) {
      const parked = this.#parked.get(entry.group)
      if (parked === undefined) this.#parked.set(entry.group, [entry])
      else parked.push(entry)
      return
    }
    this.#current.delete(entry.id)
    this.#running.set(entry.group, this.#run(entry, work))
  }

  async #run({ id, group }: Entry, work: Work): Promise<void> {
    const again = await work(id, this.#abort.signal)
    this.#running.delete(group)
    for (const entry of this.#parked.get(group) ?? []) this.#queue.push(entry)
    this.#parked.delete(group)
    if (again !== undefined) this.#enqueue({ id, at: again.getTime(), group })
    this.#pump()
  }
}
