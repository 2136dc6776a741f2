import { ErasureError } from '../errors.ts'
import type { Clock } from '../host/clock.ts'
import { createRedactor } from '../matrix/redactor.ts'
import type { UserId } from '../matrix/user-id.ts'
import { describeError } from '../purge/describe-error.ts'
import type { OwnUsers } from '../registration/own-users.ts'
import type { EmitEvent } from '../request/erasure-event.ts'
import { createRequestIds } from '../request/request-id.ts'
import type { ErasureStore } from '../store/erasure-store.ts'
import type { UserSeal, UserTag } from '../user-seal/user-seal.ts'
import type { Accepted } from './erasure.ts'
import type { HandOver } from './hand-over.ts'
import type { ErasureOptions } from './options.ts'

/** How long `allow` may take: a homeserver waits for it, and so does closing a door. */
const ALLOW_MS = 10_000

/** What accepting requests needs. */
export interface IntakeContext {
  readonly store: ErasureStore
  readonly seal: UserSeal
  readonly clock: Clock
  readonly emit: EmitEvent
  readonly handOver: HandOver
  readonly recordMs: number
  readonly allow: ErasureOptions['allow']
  /** Absent: every user can be erased. */
  readonly ownUsers: OwnUsers | undefined
}

/** Takes requests in: all that happens before the 200, and who counts as erased from then on. */
export class Intake {
  readonly #context: IntakeContext
  readonly #nextId = createRequestIds()
  /**
   * How many requests of a tag are being written to disk. If an event passed meanwhile, the bridge
   * would store it as newer than `receivedAt`, and the purge would spare it.
   */
  readonly #arriving = new Map<UserTag, number>()
  readonly #closed = Promise.withResolvers<'closed'>()
  #isClosed = false

  constructor(context: IntakeContext) {
    this.#context = context
  }

  async accept(userId: UserId): Promise<Accepted> {
    this.#checkOpen()
    await this.#askAllow(userId)
    this.#checkOpen()
    if (this.#context.ownUsers?.has(userId)) return this.#decline()
    const { store, seal, clock, emit, handOver } = this.#context
    const receivedAt = clock.now()
    const id = this.#nextId(receivedAt)
    const tag = seal.tag(userId)
    const sealed = seal.seal(userId, id)
    const state = { claims: 0, held: true, handlers: {} }
    const request = { id, tag, sealed, receivedAt, ...state }
    this.#count(tag, 1)
    try {
      await store.accept(request)
    } finally {
      this.#count(tag, -1)
    }
    emit({ kind: 'accepted', requestId: id })
    // Not awaited: the request is durable, and the sweep finds what the scheduler loses.
    void handOver(request, receivedAt)
    return { requestId: id, declined: false }
  }

  async isErased(userId: UserId): Promise<boolean> {
    const { store, seal } = this.#context
    const tag = seal.tag(userId)
    return this.#arriving.has(tag) || store.isErased(tag)
  }

  /** Accepts no more requests, and ends the wait of those that wait for `allow`. */
  close(): void {
    this.#isClosed = true
    this.#closed.resolve('closed')
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new ErasureError('CLOSED', 'The SDK is closed')
  }

  #count(tag: UserTag, change: number): void {
    const count = (this.#arriving.get(tag) ?? 0) + change
    if (count === 0) this.#arriving.delete(tag)
    else this.#arriving.set(tag, count)
  }

  async #decline(): Promise<Accepted> {
    const { store, clock, emit, recordMs } = this.#context
    const now = clock.now()
    const requestId = this.#nextId(now)
    const times = { receivedAt: now, finishedAt: now }
    await store.decline(
      { requestId, outcome: 'declined', ...times, handlers: {} },
      recordMs,
    )
    emit({ kind: 'declined', requestId })
    return { requestId, declined: true }
  }

  async #askAllow(userId: UserId): Promise<void> {
    const { allow, clock, emit } = this.#context
    if (allow === undefined) return
    const late = Promise.withResolvers<'late'>()
    const cancel = clock.setTimer(() => late.resolve('late'), ALLOW_MS)
    let answer: unknown
    try {
      answer = await Promise.race([allow(userId), late.promise, this.#closed.promise])
    } catch (error) {
      emit({ kind: 'allow threw', ...describeError(error, createRedactor(userId)) })
      // Without the cause: its text may name the user.
      throw allowFailed('threw')
    } finally {
      cancel()
    }
    if (answer === 'late') throw allowFailed('did not answer within 10 seconds')
    if (answer === true || answer === 'closed') return
    throw new ErasureError(
      'USER_REFUSED',
      'Erasure requests for this user are not accepted',
    )
  }
}

function allowFailed(how: string): ErasureError {
  return new ErasureError(
    'ALLOW_FAILED',
    `\`allow\` ${how}, so the request is not accepted`,
  )
}
