import { type Clock, sleep } from '../../../host/clock.ts'
import type { RequestId } from '../../../request/request-id.ts'
import type { UserTag } from '../../../user-seal/user-seal.ts'
import { Batches } from '../connection/batches.ts'
import { isBadValue, sqlStateOf } from '../connection/clean-error.ts'
import type { Database } from '../connection/database.ts'
import {
  type BossOptions,
  installBoss,
  QUEUE_NAME,
  startBoss,
  type StartedBoss,
} from './start-boss.ts'
import {
  createStatements,
  RETENTION_SECONDS,
  type Statements,
} from './queue-statements.ts'

/** Entries in one statement. More make no difference, and fewer hold the others up less. */
const MAX_BATCH = 1000
/**
 * The least time between two batches of entries, so that the next one can grow. An entry that comes
 * after a longer pause does not wait. Each statement of pg-boss costs the database a millisecond before
 * its first entry: without the wait, the database would spend more on these than on the requests.
 */
const PAUSE_MS = 50
/** pg-boss's own retry is used only for processes that died, so it has no limit. */
const RETRY_LIMIT = 2 ** 31 - 1
/** The longest pg-boss allows; see `MAX_WORK_MS` in lease.ts. */
const EXPIRE_SECONDS = 24 * 60 * 60
/** For entries that an operator cancels by hand; finished ones are deleted at once. */
const DELETE_AFTER_SECONDS = 60
/**
 * How long to wait before adding an entry again that could neither be brought forward nor inserted: it
 * was finished just then, or another process has locked it.
 */
const ADD_AGAIN_MS: readonly number[] = [0, 0, 50, 100, 200, 400, 800, 1600, 3200]
/** The last time an entry can be due. ISO 8601 and PostgreSQL write later years differently. */
const END_MS = Date.UTC(9999, 11, 31)

/** SQLSTATEs that mean another process was faster: unique_violation and deadlock_detected. */
const LOST_RACE = new Set(['23505', '40P01'])

/** A request, and when it is due. */
export interface QueueEntry {
  readonly id: RequestId
  readonly at: number
  readonly group: UserTag
}

/** An entry that is ours until it is settled, or the lease runs out. */
export interface Claim {
  readonly id: RequestId
  readonly group: UserTag
  readonly attempt: number
  /** `undefined` if it is no time that JavaScript can hold. */
  readonly createdMs: number | undefined
  readonly leaseMs: number
}

/** What came of a claim: when the entry is due again, or `undefined` if it is finished. */
export interface Settlement {
  readonly claim: Claim
  readonly again: Date | undefined
}

/** What a queue is opened with. */
export interface RequestQueueOptions extends BossOptions {
  readonly clock: Clock
  readonly leaseSeconds: number
}

/** Opens the queue, and makes it if it is missing. Rejects with an error of pg. */
export async function openRequestQueue(
  options: RequestQueueOptions,
): Promise<RequestQueue> {
  await installBoss(options)
  return new RequestQueue(options, await startBoss(options))
}

/** The queue of requests in the database. All methods reject with errors of pg. */
export class RequestQueue {
  readonly #options: RequestQueueOptions
  readonly #database: Database
  readonly #started: StartedBoss
  readonly #statements: Statements
  readonly #closing = new AbortController()
  #pause: Promise<void> | undefined
  readonly #adding = new Batches<QueueEntry, boolean>({
    maxTasks: MAX_BATCH,
    isOneTasks: isBadValue,
    run: entries => this.#addPaced(entries),
  })
  readonly #settling = new Batches<Settlement, boolean>({
    maxTasks: MAX_BATCH,
    isOneTasks: isBadValue,
    run: settlements => this.#settleAll(settlements),
  })

  constructor(options: RequestQueueOptions, started: StartedBoss) {
    this.#options = options
    this.#database = options.database
    this.#started = started
    this.#statements = createStatements(options.schema)
  }

  /** Adds an entry, or brings it forward. */
  async add({ id, at, group }: QueueEntry): Promise<void> {
    const entry = { id, at: bounded(at), group }
    for (const waitMs of ADD_AGAIN_MS) {
      if (await this.#adding.add(entry)) return
      if (waitMs > 0) await sleep(this.#options.clock, waitMs)
    }
    throw new Error('An entry is locked, or comes and goes')
  }

  /**
   * Gives an entry back, or deletes it. Does nothing if it is not ours any more.
   * @returns false, without changing anything, if another process has locked it
   */
  settle(settlement: Settlement): Promise<boolean> {
    return this.#settling.add(settlement)
  }

  /**
   * Claims up to `limit` entries that are due, at most one per group, and none of a group that a
   * process is working on.
   *
   * @returns `undefined` if another process was faster: there may be more
   */
  async claim(limit: number): Promise<Claim[] | undefined> {
    let isRaceLost = false
    const executeSql = async (text: string, values?: unknown[]) => {
      try {
        return await this.#database.query(text, values)
      } catch (error) {
        isRaceLost = LOST_RACE.has(sqlStateOf(error))
        if (isRaceLost) return { rows: [] }
        throw error
      }
    }
    const jobs = await this.#started.boss.fetch(QUEUE_NAME, {
      batchSize: limit,
      includeMetadata: true,
      db: { executeSql },
    })
    if (isRaceLost) return undefined
    return jobs.map(job => ({
      // What `#insert` has put there.
      id: job.id as RequestId,
      group: (job.singletonKey ?? '') as UserTag,
      attempt: job.retryCount,
      createdMs: toMs(job.createdOn),
      // As scheduled: the process that did so may be configured otherwise.
      leaseMs: (job.heartbeatSeconds ?? this.#options.leaseSeconds) * 1000,
    }))
  }

  /**
   * Renews claims, and returns the ids of those that are still ours: true for those that were renewed,
   * false for those that are locked.
   */
  async renew(
    claims: readonly Claim[],
    timeoutMs: number,
  ): Promise<ReadonlyMap<string, boolean>> {
    const { rows } = await this.#database.query<{ id: string; renewed: boolean }>(
      this.#statements.renew,
      fence(claims),
      timeoutMs,
    )
    return new Map(rows.map(({ id, renewed }) => [id, renewed]))
  }

  /** Brings times back that the database's clock wrote while it was ahead. */
  async repairTimes(): Promise<void> {
    await this.#database.query(this.#statements.repairTimes, [QUEUE_NAME])
  }

  /** How long until the next entry becomes due; `undefined` if there is none. */
  async msUntilDue(): Promise<number | undefined> {
    const { rows } = await this.#database.query<{ waitMs: number | null }>(
      this.#statements.untilDue,
      [QUEUE_NAME],
    )
    return rows[0]?.waitMs ?? undefined
  }

  /** Makes all processes look for entries that are due. */
  async wake(): Promise<void> {
    const { channel } = this.#started
    if (channel === undefined) return
    await this.#database.query(this.#statements.wake, [channel, QUEUE_NAME])
  }

  /** Sends what was added, and leaves the database open. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#adding.idle()
    await this.#started.stop()
  }

  async #addPaced(entries: readonly QueueEntry[]): Promise<boolean[]> {
    await this.#pause
    try {
      return await this.#addAll(entries)
    } finally {
      this.#pause = sleep(this.#options.clock, PAUSE_MS, this.#closing.signal)
    }
  }

  /** @returns for each whether it is in the queue, and due in time */
  async #addAll(entries: readonly QueueEntry[]): Promise<boolean[]> {
    const distinct = earliest(entries)
    const inserted = await this.#insert(distinct)
    const left = distinct.filter(({ id }) => !inserted.has(id))
    const found = left.length === 0 ? inserted : await this.#bringForward(left)
    return entries.map(({ id }) => inserted.has(id) || found.has(id))
  }

  async #insert(entries: readonly QueueEntry[]): Promise<Set<string>> {
    const { clock, leaseSeconds } = this.#options
    const now = clock.now()
    const jobs = entries.map(({ id, at, group }) => ({
      id,
      singletonKey: group,
      // pg-boss notifies of what is due by the database's clock; what was due before is due now.
      ...(at > now && { startAfter: new Date(at) }),
      retryLimit: RETRY_LIMIT,
      heartbeatSeconds: leaseSeconds,
      expireInSeconds: EXPIRE_SECONDS,
      retentionSeconds: RETENTION_SECONDS,
      deleteAfterSeconds: DELETE_AFTER_SECONDS,
    }))
    const options = { returnId: true }
    return new Set(await this.#started.boss.insert(QUEUE_NAME, jobs, options))
  }

  async #bringForward(entries: readonly QueueEntry[]): Promise<Set<string>> {
    const { rows } = await this.#database.query<{ id: string }>(
      this.#statements.bringForward,
      [QUEUE_NAME, entries.map(({ id }) => id), entries.map(({ at }) => toIso(at))],
    )
    return new Set(rows.map(({ id }) => id))
  }

  async #settleAll(settlements: readonly Settlement[]): Promise<boolean[]> {
    const { rows } = await this.#database.query<{ id: string }>(this.#statements.settle, [
      ...fence(settlements.map(({ claim }) => claim)),
      settlements.map(({ again }) => again && toIso(again.getTime())),
    ])
    const locked = new Set(rows.map(({ id }) => id))
    return settlements.map(({ claim }) => !locked.has(claim.id))
  }
}

/** Work that is called too early says itself when it is due. */
function bounded(at: number): number {
  return Number.isNaN(at) ? 0 : Math.min(Math.max(at, 0), END_MS)
}

function toIso(at: number): string {
  return new Date(bounded(at)).toISOString()
}

/** pg reads `infinity` as a number, and what is later than any `Date` as an invalid one. */
function toMs(date: Date | number): number | undefined {
  const ms = Number(date)
  return Number.isFinite(ms) ? ms : undefined
}

function fence(claims: readonly Claim[]): unknown[] {
  return [
    QUEUE_NAME,
    claims.map(({ id }) => id),
    claims.map(({ attempt }) => attempt),
    claims.map(({ createdMs }) => createdMs ?? null),
  ]
}

/** One entry per id, in the same order in all processes, so that inserts do not deadlock. */
function earliest(entries: readonly QueueEntry[]): QueueEntry[] {
  const first = new Map<string, QueueEntry>()
  for (const entry of entries) {
    const known = first.get(entry.id)
    if (known === undefined || entry.at < known.at) first.set(entry.id, entry)
  }
  return [...first.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
}
