import type { Scheduler } from '../../../schedule/scheduler.ts'

/** What a case asks of the scheduler that is opened for it. */
export interface SchedulerSettings {
  /** How many requests it is to work on side by side. */
  readonly concurrency: number
  /** How long its `close` is to let work go on before it aborts it, in ms. */
  readonly drainMs: number
}

/** A scheduler on an engine of its own, on which nothing is scheduled. */
export interface OpenedScheduler {
  /** Opened with the settings asked for, and not started. */
  readonly scheduler: Scheduler
  /** Opens another on the same engine, as another process does at the same time. */
  openAnother?(settings: SchedulerSettings): Scheduler | Promise<Scheduler>
  /** Removes the engine. Every scheduler has been closed before. */
  remove?(): Promise<void>
}

/** Opens a scheduler on an engine of its own. */
export type SchedulerEngine = (
  settings: SchedulerSettings,
) => OpenedScheduler | Promise<OpenedScheduler>

/** How the suite goes about it. */
export interface SchedulerConformanceOptions {
  /**
   * How long to wait for what must happen, in ms. Default: 60,000. Too low: a busy machine fails
   * the suite. Too high: a scheduler that fails does so late; one that does not never takes it.
   */
  readonly patienceMs?: number
}
