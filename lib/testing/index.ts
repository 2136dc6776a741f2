export type { UserIdForm } from '../matrix/user-id-forms.ts'
export type { Scheduler, Work } from '../schedule/scheduler.ts'
export type { ConformanceCase } from './engines/conformance-case.ts'
export { findResidue } from './handlers/find-residue.ts'
export type { Residue } from './handlers/find-residue.ts'
export { lookAlikes } from './handlers/look-alikes.ts'
export type { ResidueForm } from './handlers/needles.ts'
export { schedulerConformance } from './engines/scheduler-conformance.ts'
export type {
  OpenedScheduler,
  SchedulerConformanceOptions,
  SchedulerEngine,
  SchedulerSettings,
} from './engines/scheduler-cases/scheduler-engine.ts'
export { storeConformance } from './engines/store-conformance.ts'
export type { OpenedStore, StoreEngine } from './engines/store-cases/store-engine.ts'
export { PurgeHandlerError, testPurgeHandler } from './handlers/test-purge-handler.ts'
export type {
  PurgeHandlerReport,
  PurgeHandlerTest,
} from './handlers/test-purge-handler.ts'
