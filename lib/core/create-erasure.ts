import type { Accepted, Erasure } from './erasure.ts'
import { codeOf, ErasureError, isErasureError } from '../errors.ts'
import { contain, type Logger, redactingLogger, silentLogger } from '../host/logger.ts'
import type { ErasureDoor } from './erasure-door.ts'
import { findErased } from './find-erased.ts'
import { HsToken } from '../registration/hs-token.ts'
import { OwnUsers } from '../registration/own-users.ts'
import type { Registration } from '../registration/registration.ts'
import { createRedactor } from '../matrix/redactor.ts'
import { isUserId, parseUserId, type UserId } from '../matrix/user-id.ts'
import { type ErasureOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import type { Json, PurgeFunction, PurgeHandler } from '../purge/handler.ts'
import {
  orderHandlers,
  type RegisteredHandler,
  registerHandler,
} from '../purge/handler-plan.ts'
import { describeError } from '../purge/describe-error.ts'
import { nextDue } from '../request/bring-up-to-date.ts'
import { carryOut } from '../purge/carry-out.ts'
import { loadRegistration } from '../registration/registration-file.ts'
import { inProcessScheduler } from '../schedule/in-process.ts'
import type { Scheduler } from '../schedule/scheduler.ts'
import { type ErasureStore, openErasureStore } from '../store/erasure-store.ts'
import { createRequestIds, isRequestId, type RequestId } from '../request/request-id.ts'
import type { EmitEvent } from '../request/erasure-event.ts'
import type { OpenRequest } from '../request/open-request.ts'
import { type ErasureStatus, readStatus } from './read-status.ts'
import { logEvents } from './log-events.ts'
import { Sweep } from './sweep.ts'
import { openKey } from '../user-seal/key.ts'
import { createUserSeal, type UserSeal, type UserTag } from '../user-seal/user-seal.ts'

/** How long to leave a request that could not be worked on, since its store failed perhaps. */
const STORE_RETRY_MS = 60_000

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
  const options = resolveOptions(given)
  try {
    const registration = await loadRegistration(options.registration)
    const store = openErasureStore(options.store, options.allowVolatileStore)
    const seal = await openSeal(options, store)
    return new ErasureImplementation(options, registration, store, seal)
  } catch (error) {
    await options.store.disconnect?.()
    throw error
  }
}

/** A key is made only for a store that has never seen one: another could not open its requests. */
async function openSeal(
  { key, store }: ResolvedOptions,
  documents: ErasureStore,
): Promise<UserSeal> {
  const known = await documents.keyCheck()
  const seal = createUserSeal(await openKey(key, known === undefined))
  if (known === undefined && (await documents.setKeyCheck(seal.keyCheck))) return seal
  // Another process may have been first just now. With the same key file, it has the same key.
  if ((known ?? (await documents.keyCheck())) === seal.keyCheck) return seal
  throw new ErasureError(
    'KEY_MISMATCH',
    `${typeof key === 'string' ? key : 'the given key'}: this is not the key that ` +
      `${store.location ?? 'the store'} was made with; restore that key. Nothing was changed`,
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
  readonly #emit: EmitEvent
  readonly #store: ErasureStore
  readonly #seal: UserSeal
  readonly #scheduler: Scheduler
  readonly #sweep: Sweep
  readonly #ownUsers: OwnUsers | undefined
  readonly #handlers: RegisteredHandler[] = []
  readonly #nextId = createRequestIds()
  /**
   * Tags on their way to the disk. An event that passed meanwhile would be stored as newer than
   * `receivedAt`, and so belong to nobody who is erased.
   */
  readonly #beingAccepted = new Set<UserTag>()
  #state: 'new' | 'started' | 'closed' = 'new'

  constructor(
    options: ResolvedOptions,
    registration: Registration,
    store: ErasureStore,
    seal: UserSeal,
  ) {
    const { logger, scheduler, drainMs, clock, serverName } = options
    this.#logger =
      logger === silentLogger ? logger : redactingLogger(logger, createRedactor())
    const hsToken = new HsToken(registration.hs_token)
    this.door = {
      checkToken: sent => hsToken.judge(sent),
      accept: userId => this.#accept(userId),
      findErased: userIds => findErased(userIds, userId => this.isErased(userId)),
      learnServerName: name => this.#ownUsers?.learnServerName(name),
      logger: this.#logger,
    }
    this.#options = options
    this.#emit = subscribe(logEvents(this.#logger), options.onEvent)
    this.#store = store
    this.#seal = seal
    this.#scheduler = scheduler ?? inProcessScheduler({ drainMs, clock })
    const work = { store, scheduler: this.#scheduler, emit: this.#emit }
    this.#sweep = new Sweep({ ...options, ...work })
    if (!options.eraseOwnUsers) this.#ownUsers = new OwnUsers(registration, serverName)
  }

  onUserErase<C extends Json>(
    name: string,
    handler: PurgeHandler<C> | PurgeFunction<C>,
  ): void {
    if (this.#state !== 'new') throw alreadyStarted('register handlers before start()')
    if (this.#handlers.some(registered => registered.name === name)) {
      throw new ErasureError(
        'HANDLER_NAME_TAKEN',
        `A handler named ${name} is registered already; give this one a name of its own`,
        { handler: name },
      )
    }
    this.#handlers.push(registerHandler(name, handler))
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') throw alreadyStarted('it can be started once')
    const plan = orderHandlers(this.#handlers)
    if (this.#ownUsers?.areSomeUnknown === true) {
      this.#logger.warn(
        'An exclusive namespace names no server: without `serverName` its ghosts count as people',
        { option: 'serverName' },
      )
    }
    this.#state = 'started'
    const context = {
      ...this.#options,
      store: this.#store,
      seal: this.#seal,
      log: this.#logger,
      emit: this.#emit,
      plan,
    }
    const { clock, settleMs } = this.#options
    await this.#scheduler.start(async (id, signal, isOurs = () => true) => {
      try {
        return await carryOut(id, signal, { ...context, isOurs })
      } catch (error) {
        // Nothing is lost, since what is stored is where it goes on.
        this.#reportFailure(id, error)
        // A date also if it is taken: `undefined` would end what the scheduler knows of it, and
        // should nobody else have it after all, since a write of ours that went through may have
        // seemed to fail, it would wait for the sweep. If it is finished by then, nothing is done.
        return new Date(clock.now() + STORE_RETRY_MS)
      }
    })
    // All at once: handlers may have come or gone, and the store may be a restored one.
    await this.#sweep.scheduleAll(() => clock.now())
    this.#sweep.repeat(request => nextDue(request, plan, clock.now(), settleMs))
  }

  #reportFailure(requestId: RequestId, error: unknown): void {
    if (isErasureError(error, 'REQUEST_TAKEN')) {
      this.#emit({ kind: 'request taken', requestId })
    } else {
      this.#emit({ kind: 'work failed', requestId, code: codeOf(error) })
    }
  }

  async accept(userId: string): Promise<Accepted> {
    return this.#accept(parseUserId(userId))
  }

  async #accept(userId: UserId): Promise<Accepted> {
    if (this.#state === 'closed') throw new ErasureError('CLOSED', 'The SDK is closed')
    const { allow, clock, tombstoneMs } = this.#options
    if (allow !== undefined) await this.#askAllow(allow, userId)
    if (this.#ownUsers?.has(userId)) return this.#decline()
    const receivedAt = clock.now()
    const id = this.#nextId(receivedAt)
    const tag = this.#seal.tag(userId)
    const sealed = this.#seal.seal(userId, id)
    const request: OpenRequest = { id, tag, sealed, receivedAt, turn: 0, handlers: {} }
    this.#beingAccepted.add(tag)
    try {
      await this.#store.accept(request, tombstoneMs)
    } finally {
      this.#beingAccepted.delete(tag)
    }
    this.#emit({ kind: 'accepted', requestId: id })
    // Not awaited: the request is durable, and the sweep finds what the scheduler loses.
    void this.#sweep.schedule(request, receivedAt)
    return { requestId: id, declined: false }
  }

  async #askAllow(
    allow: NonNullable<ErasureOptions['allow']>,
    userId: UserId,
  ): Promise<void> {
    let isAllowed: boolean
    try {
      isAllowed = await allow(userId)
    } catch (error) {
      this.#emit({ kind: 'allow threw', ...describeError(error, createRedactor(userId)) })
      // Without the cause: its text may name the user.
      throw new ErasureError(
        'ALLOW_FAILED',
        '`allow` threw, so the request is not accepted',
      )
    }
    if (isAllowed === true) return
    throw new ErasureError(
      'USER_REFUSED',
      'Erasure requests for this user are not accepted',
    )
  }

  async #decline(): Promise<Accepted> {
    const { clock, recordMs } = this.#options
    const now = clock.now()
    const requestId = this.#nextId(now)
    await this.#store.decline(
      { requestId, outcome: 'declined', receivedAt: now, finishedAt: now, handlers: {} },
      recordMs,
    )
    this.#emit({ kind: 'declined', requestId })
    return { requestId, declined: true }
  }

  async isErased(userId: string): Promise<boolean> {
    if (!isUserId(userId)) return false
    const tag = this.#seal.tag(userId)
    return this.#beingAccepted.has(tag) || this.#store.isErased(tag)
  }

  async lift(userId: string): Promise<boolean> {
    return this.#store.lift(this.#seal.tag(parseUserId(userId)))
  }

  status(): Promise<ErasureStatus> {
    return readStatus(this.#store, this.#options.clock.now(), this.#options.targetMs)
  }

  async retry(requestId: string): Promise<void> {
    const request = isRequestId(requestId) ? await this.#store.load(requestId) : undefined
    if (request === undefined) {
      throw new ErasureError(
        'REQUEST_UNKNOWN',
        'There is no open request with this id; `status` lists those there are',
      )
    }
    await this.#store.askRetry(request.id, this.#options.recordMs)
    await this.#sweep.schedule(request, this.#options.clock.now())
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#sweep.stop()
    await this.#scheduler.close()
    await this.#store.close()
  }
}

/** Tells each of them, whatever the one before did. */
function subscribe(...subscribers: readonly (EmitEvent | undefined)[]): EmitEvent {
  return event => {
    for (const subscriber of subscribers) contain(() => subscriber?.(event))
  }
}

function alreadyStarted(what: string): ErasureError {
  return new ErasureError('ALREADY_STARTED', `The SDK has been started: ${what}`)
}
