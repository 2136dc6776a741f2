import { hasSystemCode } from '../../errors.ts'
import { serverNameOf, type UserId } from '../../matrix/user-id.ts'
import type {
  AccountState,
  ErasureSink,
  ErasureSource,
  SourceRules,
} from '../../watch/source.ts'
import { isErased } from './erased-users.ts'
import type { Line } from './line.ts'
import {
  type ResolvedOptions,
  resolveOptions,
  type SynapsePostgresOptions,
} from './synapse-postgres-options.ts'
import { watchDatabase } from './watch-database.ts'

/**
 * Finds out about erasures in the PostgreSQL database of a Synapse, which it only reads. `erased_users`
 * is what Synapse itself goes by: nobody is missing in it, whether they are in rooms or not, guests,
 * locked, or half deactivated by a Synapse that crashed. With the trigger of docs/homeservers.md, an
 * erasure is found when it is committed, and otherwise within `intervalMs`. Reactivated accounts are
 * found in the same way, if the source was away for less than six days. The package `pg` must be
 * installed.
 *
 * The tables are internal to Synapse. If a later version changes them, the source fails with
 * `SOURCE_INVALID` and erases nobody.
 *
 * @throws TypeError if an option is missing, unknown or of the wrong kind
 */
export function synapsePostgres(options: SynapsePostgresOptions): ErasureSource {
  return new SynapsePostgres(resolveOptions(options))
}

class SynapsePostgres implements ErasureSource {
  readonly name: string
  readonly rules: Partial<SourceRules>
  readonly #options: ResolvedOptions
  /** That of the watch, which others may use while it is there. */
  #line: Line | undefined
  #stop = new AbortController()
  #watching: Promise<void> = Promise.resolve()

  constructor(options: ResolvedOptions) {
    this.name = options.name
    this.rules = options.rules
    this.#options = options
  }

  async start(sink: ErasureSink): Promise<void> {
    await this.close()
    const { connectionString } = this.#options
    const OpenLine = await loadLine()
    this.#stop = new AbortController()
    const signal = AbortSignal.any([sink.signal, this.#stop.signal])
    this.#watching = watchDatabase({
      ...this.#options,
      sink,
      open: () => OpenLine.open(connectionString, signal),
      onLine: line => (this.#line = line),
      signal,
    })
  }

  async look(userId: UserId, signal: AbortSignal): Promise<AccountState> {
    if (serverNameOf(userId) !== this.#options.serverName) return 'unknown'
    // The row is the flag itself, so that there is none is proof.
    const ask = async (line: Line) =>
      (await isErased(line, userId)) ? 'erased' : 'present'
    if (this.#line?.isLost === false) return ask(this.#line)
    const OwnLine = await loadLine()
    const line = await OwnLine.open(this.#options.connectionString, signal)
    try {
      return await ask(line)
    } finally {
      await line.close()
    }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#watching
  }
}

/** Loads pg when it is needed, because it is an optional peer, and other sources do without. */
async function loadLine(): Promise<typeof Line> {
  try {
    return (await import('./line.ts')).Line
  } catch (error) {
    if (!hasSystemCode(error, 'ERR_MODULE_NOT_FOUND')) throw error
    throw new TypeError('synapsePostgres needs the package pg: npm install pg', {
      cause: error,
    })
  }
}
