import type { ConformanceCase } from '../engines/conformance-case.ts'
import { lookingCases } from './source-cases/looking.ts'
import type {
  MakeSourceHarness,
  SourceConformanceOptions,
} from './source-cases/source-harness.ts'
import { SourceTrial } from './source-cases/source-trial.ts'
import { watchingCases } from './source-cases/watching.ts'

/**
 * The cases that every source must pass, whatever it asks. They run in real time, so give the source
 * short intervals. They cannot check that a source finds everybody while accounts change under it.
 *
 * Works with any test runner: make a test of each case.
 *
 * @param makeHarness - makes a source and a homeserver of its own; called once for each case
 * @example
 * ```ts
 * for (const { title, run } of sourceConformance(makeMyHarness)) test(title, run)
 * ```
 */
export function sourceConformance(
  makeHarness: MakeSourceHarness,
  options: SourceConformanceOptions = {},
): readonly ConformanceCase[] {
  return [...lookingCases, ...watchingCases].map(([title, run]) => ({
    title,
    run: async () => {
      const trial = new SourceTrial(await makeHarness(), options)
      try {
        await run(trial)
      } finally {
        await trial.end()
      }
    },
  }))
}
