export { createErasure } from './core/create-erasure.ts'
export type { Accepted, Erasure } from './core/erasure.ts'
export type { ErasureDoor } from './core/erasure-door.ts'
export type { ErasureOptions } from './core/options.ts'
export {
  createRegistration,
  ensureRegistration,
  readRegistration,
} from './registration/registration-file.ts'
export type { RegistrationOptions } from './registration/registration-file.ts'
export { ErasureError, isErasureError } from './errors.ts'
export type { ErasureErrorCode, ErasureErrorFacts, ErasureErrorOf } from './errors.ts'
export type {
  ErasureEvent,
  ErasureEventFacts,
  ErrorDescription,
} from './request/erasure-event.ts'
export type { Clock } from './host/clock.ts'
export type { LogFields, Logger } from './host/logger.ts'
export { isUserId, localpartOf, parseUserId, serverNameOf } from './matrix/user-id.ts'
export type { UserId } from './matrix/user-id.ts'
export type { Registration, UserNamespace } from './registration/registration.ts'
export type { PresentedTokens, TokenVerdict } from './registration/hs-token.ts'
export { RETAINED_REASONS } from './purge/handler.ts'
export type {
  Json,
  PurgeContext,
  PurgeFunction,
  PurgeHandler,
  PurgeResult,
  Retained,
  RetainedReason,
  VerifyContext,
} from './purge/handler.ts'
export type { RetryOptions } from './request/transitions.ts'
export type { RequestId } from './request/request-id.ts'
export type { UserTag } from './user-seal/user-seal.ts'
export { inProcessScheduler } from './schedule/in-process.ts'
export type { InProcessSchedulerOptions } from './schedule/in-process.ts'
export type { Scheduler, Work } from './schedule/scheduler.ts'
export type {
  ErasureStatus,
  HandlerStatus,
  OpenRequestStatus,
  RequestState,
} from './core/read-status.ts'
export type {
  HandlerErrorCode,
  HandlerState,
  OpenRequestState,
} from './request/open-request.ts'
export type { ConditionalWrite, StoreAdapter, StoredDocument } from './store/adapter.ts'
