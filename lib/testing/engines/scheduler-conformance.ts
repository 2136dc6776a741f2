import type { ConformanceCase } from './conformance-case.ts'
import { closingCases } from './scheduler-cases/closing.ts'
import { dueTimeCases } from './scheduler-cases/due-times.ts'
import { massCases } from './scheduler-cases/masses.ts'
import type {
  SchedulerConformanceOptions,
  SchedulerEngine,
} from './scheduler-cases/scheduler-engine.ts'
import { SchedulerTrial } from './scheduler-cases/scheduler-trial.ts'
import { severalCases } from './scheduler-cases/several.ts'
import { sideBySideCases } from './scheduler-cases/side-by-side.ts'

/**
 * The cases that every scheduler must pass, whatever engine it is built on. They run in real time:
 * they compare `at` with this machine's clock, so the engine's clock must agree with it. A scheduler
 * for one process leaves out `openAnother`, and the cases about several pass.
 *
 * Works with any test runner: make a test of each case. They mostly wait, so run them in parallel.
 *
 * @param engine - opens a scheduler on an engine of its own; called once for each case
 * @example
 * ```ts
 * const cases = schedulerConformance(() => ({ scheduler: myScheduler() }))
 * for (const { title, run } of cases) test(title, run)
 * ```
 */
export function schedulerConformance(
  engine: SchedulerEngine,
  options: SchedulerConformanceOptions = {},
): readonly ConformanceCase[] {
  const cases = [
    ...dueTimeCases,
    ...sideBySideCases,
    ...massCases,
    ...closingCases,
    ...severalCases,
  ]
  return cases.map(([title, run]) => ({
    title,
    run: async () => {
      const trial = new SchedulerTrial(engine, options)
      try {
        await run(trial)
      } finally {
        await trial.end()
      }
    },
  }))
}
