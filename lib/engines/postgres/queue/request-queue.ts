import type { Clock } from '../../../host/clock.ts'
import type { RequestId } from '../../../request/request-id.ts'
import type { UserTag } from '../../../user-seal/user-seal.ts'
import { Batches } from '../connection/batches.ts'
import type { Database } from '../connection/database.ts'
import {
  type BossOptions,
  codeOf,
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
 * How long entries wait for each other while more of them come than one at a time. A statement
 * of pg-boss's costs the database a millisecond before the first entry, so that without it, it
 * would spend more on these than on the requests.
 */
const PAUSE_MS = 50
/** pg-boss's own retry covers only processes that died: there is no end to it. */
const RETRY_LIMIT = 2 ** 31 - 1
/** The longest pg-boss allows; see `MAX_WORK_MS` in lease.ts. */
const EXPIRE_SECONDS = 24 * 60 * 60
/** For what an operator cancels by hand; what is finished is deleted at once. */
const DELETE_AFTER_SECONDS = 60
/** How often an entry may be there and not there in turn before something else is wrong. */
const MAX_ROUNDS = 100

/** SQLSTATEs by which another process was faster: unique_violation and deadlock_detected. */
const LOST_RACE = new Set(['23505', '40P01'])

/** A request, and when it is due. */
export interface Entry {
  readonly id: RequestId
  readonly at: number
  readonly group: UserTag
}

/** An entry that is ours until it is settled, or the lease runs out. */
export interface Claim {
  readonly id: RequestId
  readonly group: UserTag
  readonly attempt: number
  readonly createdMs: number
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
  return new RequestQueue(options, await startBoss(options))
}

/** The queue of requests in the database. All methods reject with errors of pg. */
export class RequestQueue {
  readonly #options: RequestQueueOptions
  readonly #database: Database
  readonly #started: StartedBoss
  readonly #statements: Statements
  readonly #adding = new Batches<Entry, void>({
    maxTasks: MAX_BATCH,
    pauseMs: PAUSE_MS,
    run: entries => this.#addAll(entries),
  })
  readonly #settling = new Batches<Settlement, void>({
    maxTasks: MAX_BATCH,
    run: settlements => this.#settleAll(settlements),
  })

  constructor(options: RequestQueueOptions, started: StartedBoss) {
    this.#options = options
    this.#database = options.database
    this.#started = started
    this.#statements = createStatements(options.schema)
  }

  /** Adds an entry, or brings it forward. */
  add(entry: Entry): Promise<void> {
    return this.#adding.add(entry)
  }

  /** Gives an entry back, or deletes it. Does nothing if it is not ours any more. */
  settle(settlement: Settlement): Promise<void> {
    return this.#settling.add(settlement)
  }

  /**
   * Claims up to `limit` entries that are due, at most one per group, and none of a group that
   * somebody works on.
   *
   * @returns `undefined` if another process was faster: there may be more
   */
  async claim(limit: number): Promise<Claim[] | undefined> {
    let isRaceLost = false
    const executeSql = async (text: string, values?: unknown[]) => {
      try {
        return await this.#database.query(text, values)
      } catch (error) {
        isRaceLost = LOST_RACE.has(codeOf(error))
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
      createdMs: job.createdOn.getTime(),
      // As scheduled: the process that did so may be configured otherwise.
      leaseMs: (job.heartbeatSeconds ?? this.#options.leaseSeconds) * 1000,
    }))
  }

  /** Renews claims, and tells the ids of those that were still ours. */
  async renew(claims: readonly Claim[], timeoutMs: number): Promise<Set<string>> {
    const { rows } = await this.#database.query<{ id: string }>(
      this.#statements.renew,
      fence(claims),
      timeoutMs,
    )
    return new Set(rows.map(({ id }) => id))
  }

  /** How long until an entry is due that is not due yet; `undefined` if there is none. */
  async nextDueMs(): Promise<number | undefined> {
    const { rows } = await this.#database.query<{ waitMs: number | null }>(
      this.#statements.nextDue,
      [QUEUE_NAME],
    )
    return rows[0]?.waitMs ?? undefined
  }

  /** Has all processes look for what is due. */
  async wake(): Promise<void> {
    const { channel } = this.#started
    if (channel === undefined) return
    await this.#database.query(this.#statements.wake, [channel, QUEUE_NAME])
  }

  /** Sends what was added, and leaves the database open. */
  async close(): Promise<void> {
    await this.#adding.flush()
    await this.#started.stop()
  }

  async #addAll(entries: readonly Entry[]): Promise<void> {
    let left = earliest(entries)
    // An entry may be finished just before it is brought forward, and given back before that.
    for (let round = 0; left.length > 0 && round < MAX_ROUNDS; round += 1) {
      const inserted = await this.#insert(left)
      left = left.filter(({ id }) => !inserted.has(id))
      if (left.length === 0) return
      const found = await this.#bringForward(left)
      left = left.filter(({ id }) => !found.has(id))
    }
    if (left.length > 0) throw new Error('Entries are neither there nor can be made')
  }

  async #insert(entries: readonly Entry[]): Promise<Set<string>> {
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

  async #bringForward(entries: readonly Entry[]): Promise<Set<string>> {
    const { rows } = await this.#database.query<{ id: string }>(
      this.#statements.bringForward,
      [
        QUEUE_NAME,
        entries.map(({ id }) => id),
        entries.map(({ at }) => new Date(at).toISOString()),
      ],
    )
    return new Set(rows.map(({ id }) => id))
  }

  async #settleAll(settlements: readonly Settlement[]): Promise<void> {
    await this.#database.query(this.#statements.settle, [
      ...fence(settlements.map(({ claim }) => claim)),
      settlements.map(({ again }) => again?.toISOString()),
    ])
  }
}

function fence(claims: readonly Claim[]): unknown[] {
  return [
    QUEUE_NAME,
    claims.map(({ id }) => id),
    claims.map(({ attempt }) => attempt),
    claims.map(({ createdMs }) => createdMs),
  ]
}

/** One entry per id, in an order that is everybody's: two inserts else wait for each other. */
function earliest(entries: readonly Entry[]): Entry[] {
  const first = new Map<string, Entry>()
  for (const entry of entries) {
    const known = first.get(entry.id)
    if (known === undefined || entry.at < known.at) first.set(entry.id, entry)
  }
  return [...first.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1))
}
