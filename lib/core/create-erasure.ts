import type { Accepted, Erasure } from './erasure.ts'
import { ErasureError } from '../errors.ts'
import { contain, type Logger, redactingLogger } from '../host/logger.ts'
import type { ErasureDoor } from './erasure-door.ts'
import { findErased } from './find-erased.ts'
import { HsToken } from '../registration/hs-token.ts'
import { OwnUsers } from '../registration/own-users.ts'
import type { Registration } from '../registration/registration.ts'
import { createRedactor } from '../matrix/redactor.ts'
import { isUserId, parseUserId } from '../matrix/user-id.ts'
import { type ErasureOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import type { Json, PurgeFunction, PurgeHandler } from '../purge/handler.ts'
import {
  orderHandlers,
  type RegisteredHandler,
  registerHandler,
} from '../purge/handler-plan.ts'
import { loadRegistration } from '../registration/registration-file.ts'
import { inProcessScheduler } from '../schedule/in-process.ts'
import { type ErasureStore, openErasureStore } from '../store/erasure-store.ts'
import { isRequestId } from '../request/request-id.ts'
import type { EmitEvent } from '../request/erasure-event.ts'
import { type ErasureStatus, readStatus } from './read-status.ts'
import { logEvents } from './log-events.ts'
import { createHandOver, type HandOver } from './hand-over.ts'
import { Intake } from './intake.ts'
import { Runner } from './runner.ts'
import { openKey } from '../user-seal/key.ts'
import { createUserSeal, type UserSeal } from '../user-seal/user-seal.ts'

/**
 * Opens the store, makes or reads the key, and returns the SDK, not yet started.
 *
 * @throws TypeError for an option that is missing, unknown or of the wrong kind
 * @throws ErasureError `REGISTRATION_MISSING`, `REGISTRATION_INVALID`, `STORE_VOLATILE`,
 *   `KEY_MISSING`, `KEY_EXPOSED`, `KEY_INVALID`, or `KEY_MISMATCH`
 * @example
 * ```ts
 * const erasure = await createErasure({
 *   registration: 'registration.yaml',
 *   key: 'erasure.key',
 *   store: sqliteStore({ path: 'erasure.db' }),
 * })
 * erasure.onUserErase('messages', async ({ userId }) => deleteMessagesOf(userId))
 * await erasure.start()
 * ```
 */
export async function createErasure(given: ErasureOptions): Promise<Erasure> {
  try {
    const options = resolveOptions(given)
    const registration = await loadRegistration(options.registration)
    const { allowVolatileStore, clock } = options
    const store = openErasureStore(options.store, allowVolatileStore, clock)
    const seal = await openSeal(options, store)
    return new ErasureImplementation(options, registration, store, seal)
  } catch (error) {
    // Do not leave the caller's store open and locked. The first error says more than a second one.
    await given?.scheduler?.close?.().catch(() => {})
    await given?.store?.disconnect?.().catch(() => {})
    throw error
  }
}

/** Makes a key only for a store that has never had one: a new key could not open old requests. */
async function openSeal(
  { key, store }: ResolvedOptions,
  documents: ErasureStore,
): Promise<UserSeal> {
  const known = await documents.keyCheck()
  const seal = createUserSeal(await openKey(key, known === undefined))
  if (known === undefined && (await documents.setKeyCheck(seal.keyCheck))) return seal
  // Another process may just have set it. If both use the same key file, the keys are equal.
  if ((known ?? (await documents.keyCheck())) === seal.keyCheck) return seal
  throw new ErasureError(
    'KEY_MISMATCH',
    `${typeof key === 'string' ? key : 'the given key'}: wrong key: ` +
      `${store.location ?? 'the store'} was created with a different one. ` +
      'Restore the original key file; nothing has been changed',
    {
      store: store.location ?? 'the store',
      ...(typeof key === 'string' && { file: key }),
    },
  )
}

class ErasureImplementation implements Erasure {
  readonly door: ErasureDoor
  readonly #logger: Logger
  readonly #options: ResolvedOptions
  readonly #store: ErasureStore
  readonly #seal: UserSeal
  readonly #handOver: HandOver
  readonly #intake: Intake
  readonly #runner: Runner
  readonly #ownUsers: OwnUsers | undefined
  readonly #handlers: RegisteredHandler[] = []
  #starting: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor(
    options: ResolvedOptions,
    registration: Registration,
    store: ErasureStore,
    seal: UserSeal,
  ) {
    const { drainMs, clock, serverName } = options
    this.#logger = redactingLogger(options.logger, createRedactor())
    const hsToken = new HsToken(registration.hs_token)
    this.door = {
      checkToken: sent => hsToken.judge(sent),
      accept: userId => this.#intake.accept(userId),
      findErased: userIds => findErased(userIds, userId => this.isErased(userId)),
      learnServerName: name => this.#ownUsers?.learnServerName(name),
      logger: this.#logger,
    }
    this.#options = options
    this.#store = store
    this.#seal = seal
    if (!options.eraseOwnUsers) this.#ownUsers = new OwnUsers(registration, serverName)
    const emit = subscribe(logEvents(this.#logger), options.onEvent)
    const scheduler = options.scheduler ?? inProcessScheduler({ drainMs, clock })
    this.#handOver = createHandOver(scheduler, emit)
    const common = { store, seal, clock, emit, handOver: this.#handOver }
    const { allow, recordMs, tombstoneMs, settleMs, sweepMs } = options
    this.#intake = new Intake({ ...common, allow, recordMs, ownUsers: this.#ownUsers })
    const times = { recordMs, tombstoneMs, settleMs, sweepMs, drainMs }
    this.#runner = new Runner({ ...common, ...times, scheduler, log: this.#logger })
  }

  onUserErase<C extends Json>(
    name: string,
    handler: PurgeHandler<C> | PurgeFunction<C>,
  ): void {
    if (this.#starting !== undefined || this.#runner.hasBegun) {
      throw alreadyStarted('register handlers before start()')
    }
    if (this.#handlers.some(registered => registered.name === name)) {
      throw new ErasureError(
        'HANDLER_NAME_TAKEN',
        `A handler named ${name} is already registered; give this one another name`,
        { handler: name },
      )
    }
    this.#handlers.push(registerHandler(name, handler))
  }

  async start(): Promise<void> {
    if (this.#closing !== undefined) throw new ErasureError('CLOSED', 'The SDK is closed')
    if (this.#starting !== undefined) throw alreadyStarted('call start() only once')
    const plan = orderHandlers(this.#handlers)
    if (this.#ownUsers?.areSomeUnknown === true) {
      this.#logger.warn(
        'An exclusive namespace names no server; set `serverName`, or its ghosts count as people',
        { option: 'serverName' },
      )
    }
    this.#starting = this.#runner.start(plan)
    try {
      await this.#starting
    } catch (error) {
      this.#starting = undefined
      throw error
    }
  }

  async accept(userId: string): Promise<Accepted> {
    return this.#intake.accept(parseUserId(userId))
  }

  async isErased(userId: string): Promise<boolean> {
    return isUserId(userId) && this.#intake.isErased(userId)
  }

  async lift(userId: string): Promise<boolean> {
    const wasErased = await this.#store.lift(this.#seal.tag(parseUserId(userId)))
    if (wasErased) this.#runner.forget()
    return wasErased
  }

  status(): Promise<ErasureStatus> {
    return readStatus(this.#store, this.#options.clock.now(), this.#options.targetMs)
  }

  async retry(requestId: string): Promise<void> {
    const request = isRequestId(requestId) ? await this.#store.load(requestId) : undefined
    if (request === undefined) {
      throw new ErasureError(
        'REQUEST_UNKNOWN',
        'No open request has this id; run `status` to list the open ones',
      )
    }
    await this.#store.askRetry(request.id)
    await this.#handOver(request, this.#options.clock.now())
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#intake.close()
    try {
      await this.#runner.close()
    } finally {
      await this.#store.close()
    }
  }
}

/** Tells every subscriber, even if an earlier one throws. */
function subscribe(...subscribers: readonly (EmitEvent | undefined)[]): EmitEvent {
  return event => {
    for (const subscriber of subscribers) contain(() => subscriber?.(event))
  }
}

function alreadyStarted(what: string): ErasureError {
  return new ErasureError('ALREADY_STARTED', `The SDK has already been started; ${what}`)
}
