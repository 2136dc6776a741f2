import type { ConformanceCase } from './conformance-case.ts'
import { batchCases } from './store-cases/batches.ts'
import { conditionalCases } from './store-cases/conditional.ts'
import { documentCases } from './store-cases/documents.ts'
import { expiryCases } from './store-cases/expiry.ts'
import { iterationCases } from './store-cases/iteration.ts'
import { lifeCases } from './store-cases/life.ts'
import type { StoreEngine } from './store-cases/store-engine.ts'
import { withStore } from './store-cases/with-store.ts'

/**
 * What every store must do, whatever engine it stands on. A store that is for one process leaves
 * out `openAnother`, and one without `writeIf` the cases about that: both cannot be shared by
 * several processes. That a resolved write survives a power cut cannot be seen from here.
 *
 * Imports no test runner: each case is a test in any.
 *
 * @param engine - opens an empty store; called once for each case
 * @example
 * ```ts
 * for (const { title, run } of storeConformance(openMyStore)) test(title, run)
 * ```
 */
export function storeConformance(engine: StoreEngine): readonly ConformanceCase[] {
  const cases = [
    ...documentCases,
    ...batchCases,
    ...iterationCases,
    ...expiryCases,
    ...conditionalCases,
    ...lifeCases,
  ]
  return cases.map(([title, run]) => ({ title, run: () => withStore(engine, run) }))
}
