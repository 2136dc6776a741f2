import { randomUUID } from 'node:crypto'

import { type Clock, sleep } from '../host/clock.ts'
import { atMost } from './at-most.ts'
import type { SourceDocuments } from '../store/source-documents.ts'

/** How long a process that has died still counts as the one that watches. */
const LEASE_MS = 30_000
/** How often it is renewed. */
const RENEW_MS = LEASE_MS / 3
/** How long before its end a process that cannot renew it stops: another one takes over then. */
const MARGIN_MS = LEASE_MS / 6

/** What a lease needs. */
export interface LeaseOptions {
  readonly documents: SourceDocuments
  readonly clock: Clock
  /** The source that is watched by one process at a time. */
  readonly source: string
  /** Aborts when this process closes. */
  readonly signal: AbortSignal
}

/** Lets one process at a time watch a source, of those that share a store. */
export class Lease {
  readonly #options: LeaseOptions
  readonly #holder = randomUUID()

  constructor(options: LeaseOptions) {
    this.#options = options
  }

  /**
   * Runs `work` while this process has the lease. `lost` aborts when it no longer has it, or when this
   * process closes. Resolves when `work` has ended; at once if another process has the lease.
   *
   * @throws ErasureError of the store, and what `work` throws
   */
  async run(work: (lost: AbortSignal) => Promise<void>): Promise<void> {
    const { clock, signal, documents, source } = this.#options
    const until = await this.#take()
    if (until <= clock.now()) {
      // Another process has it: come again when it ends, or has been given back.
      await sleep(clock, RENEW_MS, signal)
      return
    }
    const lost = new AbortController()
    const either = AbortSignal.any([signal, lost.signal])
    const renewing = this.#renew(until, either).finally(() => lost.abort())
    try {
      await work(either)
    } finally {
      lost.abort()
      await renewing
      // If that fails, it ends by itself.
      await atMost(clock, MARGIN_MS, documents.releaseLease(source, this.#holder))
    }
  }

  /** Resolves when the lease is lost, or about to end, or at the abort. */
  async #renew(until: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    let end = until
    while (!signal.aborted) {
      const leftMs = end - MARGIN_MS - clock.now()
      if (leftMs <= 0) return
      await sleep(clock, Math.min(RENEW_MS, leftMs), signal)
      if (signal.aborted) return
      // Not awaited for longer than the lease lasts: the store may hang.
      const renewed = this.#take().catch(() => end)
      const late = sleep(clock, Math.max(0, end - MARGIN_MS - clock.now()), signal)
      const next = await Promise.race([renewed, late])
      if (next === undefined || next <= clock.now()) return
      end = next
    }
  }

  /** @returns until when this process has the lease; 0 if another one has it */
  async #take(): Promise<number> {
    const { clock, documents, source } = this.#options
    const now = clock.now()
    const mine = { holder: this.#holder, until: now + LEASE_MS }
    // One that ends later than any that begins now was taken under a clock that was wrong.
    const held = await documents.takeLease(
      source,
      mine,
      ({ until }) => until <= clock.now() || until > clock.now() + LEASE_MS,
    )
    return held.holder === this.#holder ? held.until : 0
  }
}
