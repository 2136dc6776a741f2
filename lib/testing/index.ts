export type { UserIdForm } from '../matrix/user-id-forms.ts'
export type { Scheduler, Work } from '../schedule/scheduler.ts'
export type { ConformanceCase } from './conformance-case.ts'
export { findResidue } from './find-residue.ts'
export type { Residue } from './find-residue.ts'
export { lookAlikes } from './look-alikes.ts'
export type { ResidueForm } from './needles.ts'
export { schedulerConformance } from './scheduler-conformance.ts'
export type {
  OpenedScheduler,
  SchedulerConformanceOptions,
  SchedulerEngine,
  SchedulerSettings,
} from './scheduler-cases/scheduler-engine.ts'
export { storeConformance } from './store-conformance.ts'
export type { OpenedStore, StoreEngine } from './store-cases/store-engine.ts'
export { PurgeHandlerError, testPurgeHandler } from './test-purge-handler.ts'
export type { PurgeHandlerReport, PurgeHandlerTest } from './test-purge-handler.ts'
