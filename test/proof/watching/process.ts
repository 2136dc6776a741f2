import { createErasure } from '../../../lib/core/create-erasure.ts'
import type { Erasure } from '../../../lib/core/erasure.ts'
import type { LogFields, Logger } from '../../../lib/host/logger.ts'
import { adminApi, type Fetch } from '../../../lib/sources/synapse/admin-api.ts'
import { adminSource } from '../../../lib/sources/synapse/admin-source.ts'
import { resolveSynapseOptions } from '../../../lib/sources/synapse/synapse-options.ts'
import type { StoreAdapter } from '../../../lib/store/adapter.ts'
import { parseUserId } from '../../../lib/matrix/user-id.ts'
import { createUserSeal } from '../../../lib/user-seal/user-seal.ts'
import { REGISTRATION } from '../../support/open-erasure.ts'
import { ADMIN_TOKEN } from '../../support/simulated-synapse/simulated-synapse.ts'
import type { World } from './world.ts'

export const INTERVAL_MS = 60_000
export const FULL_INTERVAL_MS = 10 * 60_000
/** What makes good a request that could not be worked on. */
export const SWEEP_MS = 60_000

const KEY = Buffer.alloc(32, 7)
const ACCOUNT = /^\/_synapse\/admin\/v2\/users\/([^/]+)$/

/** One process of the bridge, from its start until it crashes. */
export class Process {
  alive = true
  erasure: Erasure | undefined
  readonly #world: World
  readonly #store: StoreAdapter
  readonly #fetch: Fetch

  constructor(world: World, store: StoreAdapter, fetch: Fetch) {
    this.#world = world
    this.#store = store
    this.#fetch = fetch
  }

  async open(): Promise<void> {
    const world = this.#world
    const { serverName } = world.homeserver
    const options = resolveSynapseOptions({
      url: 'http://homeserver.test',
      accessToken: ADMIN_TOKEN,
      serverName,
      intervalMs: INTERVAL_MS,
      fullIntervalMs: FULL_INTERVAL_MS,
      pageSize: world.schedule.pageSize,
    })
    const api = adminApi(options.url, ADMIN_TOKEN, this.#outsideFetch())
    const erasure = await createErasure({
      registration: REGISTRATION,
      key: KEY,
      store: this.#outsideStore(),
      allowVolatileStore: true,
      sources: [adminSource(options, api)],
      serverName,
      settleMs: 0,
      recordMs: 0,
      tombstoneMs: world.schedule.tombstoneMs,
      sweepMs: SWEEP_MS,
      clock: world.clock.of(() => this.alive),
      logger: this.#log(),
    })
    erasure.onUserErase('data', async ({ userId, requestId }) => {
      if (!this.alive) return forever()
      world.tell(`  ${userId} is erased`)
      world.ledger.requested(userId, requestId)
    })
    this.erasure = erasure
    await erasure.start()
  }

  /** Ends at once. What was written stays; nothing else does. */
  crash(): void {
    if (!this.alive) return
    this.#world.tell('crash')
    this.alive = false
    this.#world.waiting = 0
    this.#world.ledger.interrupted()
    void this.#store.disconnect?.()
  }

  /** Whether an account counts as reported, by what is stored. */
  async isReported(name: string): Promise<boolean> {
    const tag = createUserSeal(KEY).tag(parseUserId(name))
    return (await this.#store.get(`erasure:reported:synapse:${tag}`)) !== undefined
  }

  /** Every request can be the last of the process, before or after it was answered. */
  #outsideFetch(): Fetch {
    const world = this.#world
    return (url, init) =>
      this.#reach(async () => {
        const response = await this.#fetch(url, init)
        const name = ACCOUNT.exec(url.pathname)?.[1]
        if (name !== undefined && response.status === 200)
          await this.#noteAnswer(decodeURIComponent(name), response.clone())
        else if (response.status !== 200) world.tell(`  answered ${response.status}`)
        return response
      })
  }

  async #noteAnswer(name: string, response: Response): Promise<void> {
    const { ledger } = this.#world
    const text = await response.text()
    if (!this.alive || !ledger.has(name)) return
    const erased = /"erased":(true|false)/.exec(text)?.[1]
    if (erased === undefined) return
    this.#world.tell(`  told that ${name} is ${erased === 'true' ? 'erased' : 'there'}`)
    ledger.told(name, erased === 'true')
  }

  #outsideStore(): StoreAdapter {
    const world = this.#world
    const store = this.#store
    const write =
      <Args extends readonly unknown[], Answer>(call: (...args: Args) => Answer) =>
      (...args: Args) =>
        this.#reach(async () => {
          if (!world.fails('writes')) return call.apply(store, args as never)
          throw new Error('the disk is on fire')
        })
    const outside: StoreAdapter = Object.create(store, {
      get: { value: (key: string) => this.#reach(async () => store.get(key)) },
      // Files are read in real time, which the world must wait for.
      takeIn: { value: () => this.#reach(async () => store.takeIn?.()) },
      forget: { value: () => this.#reach(async () => store.forget?.()) },
      set: { value: write(store.set) },
      delete: { value: write(store.delete) },
      ...(store.setMany && { setMany: { value: write(store.setMany) } }),
      ...(store.writeIf && { writeIf: { value: write(store.writeIf) } }),
      exclusive: { value: true },
      on: { value: () => outside },
    }) as StoreAdapter
    return outside
  }

  async #reach<Answer>(effect: () => Promise<Answer>): Promise<Answer> {
    const world = this.#world
    if (this.alive) world.point()
    if (!this.alive) return forever()
    world.waiting += 1
    try {
      return await effect()
    } finally {
      if (this.alive) world.waiting -= 1
      if (this.alive) world.point()
      if (!this.alive) await forever()
    }
  }

  #log(): Logger {
    const write =
      (level: keyof Logger) =>
      (message: string, fields: LogFields = {}) => {
        const line = `${message} ${JSON.stringify(fields)}`
        if (/:hs\.test/.test(line) || line.includes(ADMIN_TOKEN))
          this.#world.complain(`a log line names somebody: ${line}`)
        if (this.alive && level !== 'debug') this.#world.tell(`    ${level}: ${line}`)
      }
    return {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    }
  }
}

/** What a process that has crashed waits for. A new one each time, so that nothing piles up. */
function forever(): Promise<never> {
  return new Promise(() => {})
}
