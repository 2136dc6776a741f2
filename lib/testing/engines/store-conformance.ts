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
 * The cases that every store must pass, whatever engine it is built on. A store for one process
 * leaves out `openAnother`; for a store without `writeIf`, the cases about it pass. Neither can be
 * shared by several processes. These cases cannot check that a write survives a power cut.
 *
 * Works with any test runner: make a test of each case.
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
