import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

import type { Scheduler, Work } from '../../../schedule/scheduler.ts'
import type {
  OpenedScheduler,
  SchedulerConformanceOptions,
  SchedulerEngine,
  SchedulerSettings,
} from './scheduler-engine.ts'
import { randomRequestId, standInTag } from '../stand-ins.ts'
import type { UserTag } from '../../../user-seal/user-seal.ts'
import type { RequestId } from '../../../request/request-id.ts'

/** A title, and what is tried on an engine of its own. */
export type SchedulerCase = readonly [
  title: string,
  run: (trial: SchedulerTrial) => Promise<void>,
]

/** A call of `work`. */
export interface Call {
  readonly id: string
  readonly at: number
}

const SETTINGS: SchedulerSettings = { concurrency: 4, drainMs: 10_000 }
const PATIENCE_MS = 60_000
/** How long to watch that nothing happens any more. */
export const QUIET_MS: number = 500

/** The schedulers of one case, and what they called. */
export class SchedulerTrial {
  readonly calls: Call[] = []
  readonly #engine: SchedulerEngine
  readonly #patienceMs: number
  #first: OpenedScheduler | undefined
  readonly #schedulers: Scheduler[] = []

  constructor(engine: SchedulerEngine, options: SchedulerConformanceOptions) {
    this.#engine = engine
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS
  }

  /** Opens the first scheduler. */
  async open(settings: Partial<SchedulerSettings> = {}): Promise<Scheduler> {
    this.#first = await this.#engine({ ...SETTINGS, ...settings })
    this.#schedulers.push(this.#first.scheduler)
    return this.#first.scheduler
  }

  /** Opens two on one engine; `undefined` if it is for one process. */
  async openTwo(
    settings: Partial<SchedulerSettings> = {},
  ): Promise<readonly [Scheduler, Scheduler] | undefined> {
    const first = await this.open(settings)
    const second = await this.#first?.openAnother?.({ ...SETTINGS, ...settings })
    if (second === undefined) return undefined
    this.#schedulers.push(second)
    return [first, second]
  }

  /** Has `scheduler` call `work`, and notes the calls. */
  start(scheduler: Scheduler, work: Work = async () => undefined): Promise<void> {
    return scheduler.start((id, signal) => {
      this.calls.push({ id, at: Date.now() })
      return work(id, signal)
    })
  }

  /** Schedules a request, with an id and a group of its own unless given. */
  async schedule(
    scheduler: Scheduler,
    { id = randomRequestId(), inMs = 0, group = standInTag(id) }: Partial<Scheduled> = {},
  ): Promise<RequestId> {
    await scheduler.schedule(id, new Date(Date.now() + inMs), group)
    return id
  }

  /** When `id` was called. */
  callsOf(id: string): number[] {
    return this.calls.filter(call => call.id === id).map(({ at }) => at)
  }

  /** Waits until `holds`, and fails if it never does. */
  async until(what: string, holds: () => boolean): Promise<void> {
    const deadline = Date.now() + this.#patienceMs
    while (!holds()) {
      assert(Date.now() < deadline, `Waited in vain until ${what}`)
      await pause(10)
    }
  }

  /** Waits until `id` has been called `times` times. */
  called(id: string, times = 1): Promise<void> {
    return this.until(
      `${id} was called ${times} times`,
      () => this.callsOf(id).length >= times,
    )
  }

  /** Waits until whatever else was due must have been called: what is scheduled later was. */
  async quiet(scheduler: Scheduler): Promise<void> {
    await this.called(await this.schedule(scheduler))
    await pause(QUIET_MS)
  }

  /** Leaves nothing open. */
  async end(): Promise<void> {
    await Promise.all(this.#schedulers.map(scheduler => scheduler.close()))
    await this.#first?.remove?.()
  }
}

interface Scheduled {
  readonly id: RequestId
  readonly inMs: number
  readonly group: UserTag
}

/** Work that hangs until it is told to go on, whoever calls it. */
export class Gate {
  #open: () => void = () => {}
  readonly opened: Promise<void> = new Promise<void>(resolve => {
    this.#open = resolve
  })

  /** Lets all work go on that waits for `opened`, now or later. */
  open(): void {
    this.#open()
  }
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Work that notices when it is called for one group twice at a time. */
export class GroupWork {
  /** The group of each request. */
  readonly groups: Map<string, string> = new Map<string, string>()
  /** How often that was. */
  clashes: number = 0
  readonly #running = new Set<string>()
  readonly #workMs: number

  constructor(workMs: number) {
    this.#workMs = workMs
  }

  /** To be given to `start`. */
  readonly work: Work = async id => {
    const group = this.groups.get(id) ?? id
    if (this.#running.has(group)) this.clashes += 1
    this.#running.add(group)
    await pause(this.#workMs)
    this.#running.delete(group)
    return undefined
  }
}
