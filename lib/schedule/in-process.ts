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

/** The options of the scheduler inside this process. */
export interface InProcessSchedulerOptions {
  /**
   * How many requests to work on at the same time. Default: 4. Too low: one slow remote network
   * holds up all requests. Too high: purges compete with the bridge for its database.
   */
  readonly concurrency?: number
  /**
   * How long `close` waits for work in progress before it aborts it. Default: 10,000 ms. Too low:
   * slices are done twice. Too high: the service manager kills the process first.
   */
  readonly drainMs?: number
  /** Default: the machine's clock. */
  readonly clock?: Clock
}

/** Makes a scheduler for a bridge that is one process. It stores nothing on disk. */
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

/** When a request is due. */
interface Due {
  readonly id: RequestId
  readonly at: number
  readonly group: UserTag
}

/**
 * Of the requests that are due, it starts the one due longest and the one due most recently in turn:
 * a new request does not wait for a hundred thousand failing ones, nor do they wait for new ones.
 */
class InProcessScheduler implements Scheduler {
  readonly #concurrency: number
  readonly #drainMs: number
  readonly #clock: Clock
  readonly #queue = new TinyQueue<Due>([], byTime)
  /** What was due when it was scheduled, the latest first. It is in the queue, too. */
  #fresh = new TinyQueue<Due>([], byTimeLatestFirst)
  #isFreshNext = false
  /** What counts for each id; what else is in the queue is outdated. */
  readonly #current = new Map<RequestId, Due>()
  /** What is due of groups that are being worked on, the first of them first. */
  readonly #parked = new Map<UserTag, TinyQueue<Due>>()
  readonly #running = new Map<UserTag, Promise<void>>()
  readonly #abort = new AbortController()
  #work: Work | undefined
  #isClosed = false
  #cancelTimer = () => {}

  constructor(concurrency: number, drainMs: number, clock: Clock) {
    this.#concurrency = concurrency
    this.#drainMs = drainMs
    this.#clock = clock
  }

  async schedule(id: RequestId, at: Date, group: UserTag): Promise<void> {
    const due = { id, at: at.getTime(), group }
    if (this.#enqueue(due) && due.at <= this.#clock.now()) this.#addFresh(due)
    this.#pump()
  }

  async start(work: Work): Promise<void> {
    if (this.#isClosed) return
    this.#work = work
    this.#pump()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#work = undefined
    this.#cancelTimer()
    const cancelDrain = this.#clock.setTimer(() => this.#abort.abort(), this.#drainMs)
    await Promise.all(this.#running.values())
    cancelDrain()
  }

  /** The earlier time wins. */
  #enqueue(due: Due): boolean {
    const known = this.#current.get(due.id)
    if (known !== undefined && known.at <= due.at) return false
    this.#current.set(due.id, due)
    this.#queue.push(due)
    return true
  }

  #pump(): void {
    this.#cancelTimer()
    while (this.#work !== undefined && this.#running.size < this.#concurrency) {
      const next = this.#next()
      if (next === undefined) return
      this.#begin(next, this.#work)
    }
  }

  /** What is to begin now; if nothing is due, it sets the timer for what will be. */
  #next(): Due | undefined {
    this.#isFreshNext = !this.#isFreshNext
    while (this.#isFreshNext && this.#fresh.length > 0) {
      const last = this.#fresh.pop()
      if (last !== undefined && this.#isCurrent(last)) return last
    }
    for (
      let first = this.#queue.peek();
      first !== undefined;
      first = this.#queue.peek()
    ) {
      const delayMs = first.at - this.#clock.now()
      if (delayMs > 0) {
        this.#cancelTimer = this.#clock.setTimer(() => this.#pump(), delayMs)
        return undefined
      }
      this.#queue.pop()
      if (this.#isCurrent(first)) return first
    }
    return undefined
  }

  /** Those that began as the longest waiting are left out now and then. */
  #addFresh(due: Due): void {
    if (this.#fresh.length > 2 * this.#current.size + 1000) {
      const current = this.#fresh.data.filter(one => this.#isCurrent(one))
      this.#fresh = new TinyQueue(current, byTimeLatestFirst)
    }
    this.#fresh.push(due)
  }

  #isCurrent(due: Due): boolean {
    return this.#current.get(due.id) === due
  }

  #begin(due: Due, work: Work): void {
    if (this.#running.has(due.group)) {
      this.#park(due)
      return
    }
    this.#current.delete(due.id)
    this.#running.set(due.group, this.#run(due, work))
  }

  #park(due: Due): void {
    const parked = this.#parked.get(due.group)
    if (parked !== undefined) parked.push(due)
    else this.#parked.set(due.group, new TinyQueue([due], byTime))
  }

  /** The next of a group takes its turn; the others stay parked, or N of them would cost N². */
  #unpark(group: UserTag): void {
    const parked = this.#parked.get(group)
    if (parked === undefined) return
    let next = parked.pop()
    while (next !== undefined && !this.#isCurrent(next)) next = parked.pop()
    if (next !== undefined) this.#queue.push(next)
    if (parked.length === 0) this.#parked.delete(group)
  }

  async #run({ id, group }: Due, work: Work): Promise<void> {
    const again = await work(id, this.#abort.signal)
    this.#running.delete(group)
    this.#unpark(group)
    if (again !== undefined) this.#enqueue({ id, at: again.getTime(), group })
    this.#pump()
  }
}

function byTime(a: Due, b: Due): number {
  return a.at - b.at
}

function byTimeLatestFirst(a: Due, b: Due): number {
  return b.at - a.at
}
