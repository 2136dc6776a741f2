import type { Child, Memory } from './child.ts'
import { converse } from './client.ts'
import { type Connection, makeConnection } from './connection.ts'
import { type DoorKind, judge } from './oracle.ts'
import { readTable, type TableAnswer } from './table.ts'

/** What to try, and where to begin. */
export interface Plan {
  readonly door: DoorKind
  readonly seed: number
  readonly requests: number
}

/** What came of it. */
export interface Report {
  readonly problems: readonly string[]
  readonly requests: number
  readonly connections: number
  readonly answers: ReadonlyMap<TableAnswer, number>
  /** Sentences of errors: as many as we wrote, however much was sent. */
  readonly sentences: ReadonlySet<string>
  readonly erased: number
  /** One sample after each batch. */
  readonly memory: readonly Memory[]
  readonly durationMs: number
}

/** So many connections are made between two looks at who is erased. */
const BATCH = 400
const SIDE_BY_SIDE = 100
/** Enough to see what is wrong. */
const MOST_PROBLEMS = 12

/** Sends connection after connection of a seed, and judges each, until so many requests are sent. */
export async function runCampaign(child: Child, plan: Plan): Promise<Report> {
  const campaign = new Campaign(child, plan)
  return campaign.run()
}

class Campaign {
  readonly #child: Child
  readonly #plan: Plan
  readonly #table = readTable()
  readonly #problems: string[] = []
  readonly #answers = new Map<TableAnswer, number>()
  readonly #sentences = new Set<string>()
  readonly #memory: Memory[] = []
  readonly #busy = new Map<number, Connection>()
  #requests = 0
  #erased = 0
  #next = 0
  /** A request may be carried out when its client has gone already. */
  #before: readonly Connection[] = []

  constructor(child: Child, plan: Plan) {
    this.#child = child
    this.#plan = plan
  }

  async run(): Promise<Report> {
    const startedMs = Date.now()
    try {
      while (this.#goesOn()) await this.#runBatch()
    } catch (error) {
      if (!this.#child.hasEnded()) throw error
      for (const connection of this.#busy.values())
        this.#note(connection, 'was open', error)
    }
    return {
      problems: this.#problems,
      requests: this.#requests,
      connections: this.#next,
      answers: this.#answers,
      sentences: this.#sentences,
      erased: this.#erased,
      memory: this.#memory,
      durationMs: Date.now() - startedMs,
    }
  }

  #goesOn(): boolean {
    return (
      this.#requests < this.#plan.requests &&
      this.#problems.length < MOST_PROBLEMS &&
      !this.#child.hasEnded()
    )
  }

  async #runBatch(): Promise<void> {
    const end = this.#next + BATCH
    const batch: Connection[] = []
    const promised: string[] = []
    const work = async () => {
      while (this.#next < end && this.#goesOn()) {
        const connection = makeConnection(this.#plan.seed, this.#next)
        this.#next += 1
        this.#requests += connection.requests
        batch.push(connection)
        promised.push(...(await this.#runOne(connection)))
      }
    }
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work))
    await this.#checkEffects(batch, promised)
    this.#memory.push(await this.#child.memory())
  }

  /** @returns who was answered 200 */
  async #runOne(connection: Connection): Promise<readonly string[]> {
    this.#busy.set(connection.index, connection)
    const exchange = await converse(this.#child.port, connection)
    if (this.#child.hasEnded()) return []
    this.#busy.delete(connection.index)
    const judged = judge(connection, exchange, this.#plan.door, this.#table)
    for (const answer of judged.answers) {
      this.#answers.set(answer, (this.#answers.get(answer) ?? 0) + 1)
    }
    for (const sentence of judged.sentences) this.#sentences.add(sentence)
    for (const problem of judged.problems)
      this.#note(connection, problem, exchange.received.toString('latin1'))
    return judged.promised
  }

  async #checkEffects(batch: readonly Connection[], promised: readonly string[]) {
    const named = new Map<string, Connection>()
    for (const connection of [...this.#before, ...batch]) {
      for (const user of connection.users) named.set(user, connection)
    }
    const { erased, tombstones } = await this.#child.effects([...named.keys()])
    this.#before = batch
    this.#erased += tombstones
    for (const user of erased) {
      const connection = named.get(user)
      if (connection?.mayErase.has(user) !== false) continue
      this.#note(
        connection,
        'somebody is erased whom no request with the token named',
        user,
      )
    }
    const present = new Set(erased)
    for (const user of promised.filter(name => !present.has(name))) {
      this.#note(named.get(user), 'somebody was answered 200 and is not erased', user)
    }
    if (tombstones !== erased.length) {
      const which = `${batch[0]?.index} to ${batch.at(-1)?.index}`
      this.#problems.push(
        `${tombstones - erased.length} users nobody named are erased: ${which}`,
      )
    }
  }

  #note(connection: Connection | undefined, problem: string, got: unknown): void {
    const sent = connection?.writes.map(({ bytes }) => bytes.toString('latin1')) ?? []
    this.#problems.push(
      [
        `connection ${connection?.index} of seed ${this.#plan.seed} (${this.#plan.door}): ${problem}`,
        `sent: ${JSON.stringify(sent).slice(0, 3000)}`,
        `got: ${JSON.stringify(String(got)).slice(0, 1500)}`,
      ].join('\n'),
    )
  }
}
