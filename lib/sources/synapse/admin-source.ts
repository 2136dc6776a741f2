import { serverNameOf, type UserId } from '../../matrix/user-id.ts'
import type { AccountState, ErasureSource } from '../../watch/source.ts'
import type { AdminApi, Limits } from './admin-api.ts'
import { readAccount } from './read-accounts.ts'
import type { ResolvedSynapseOptions } from './synapse-options.ts'
import { watchLists } from './watch-lists.ts'

const LOOK_LIMITS: Limits = { timeoutMs: 30_000, maxBytes: 1024 * 1024 }

/** A source that asks `api`. */
export function adminSource(
  options: ResolvedSynapseOptions,
  api: AdminApi,
): ErasureSource {
  const running = new Set<Promise<unknown>>()
  let stop = new AbortController()

  function run<Result>(work: Promise<Result>): Promise<Result> {
    const settled = work.catch(() => {}).finally(() => running.delete(settled))
    running.add(settled)
    return work
  }

  async function look(userId: UserId, signal: AbortSignal): Promise<AccountState> {
    if (serverNameOf(userId) !== options.serverName) return 'unknown'
    const path = `_synapse/admin/v2/users/${encodeURIComponent(userId)}`
    const reply = await api.get(path, LOOK_LIMITS, AbortSignal.any([signal, stop.signal]))
    return readAccount(reply, userId)
  }

  return {
    name: options.name,
    rules: options.rules,
    async start(sink) {
      stop = new AbortController()
      const signal = AbortSignal.any([sink.signal, stop.signal])
      void run(watchLists({ api, options, sink, signal }))
    },
    look: (userId, signal) => run(look(userId, signal)),
    async close() {
      const stopping = stop
      // A process that does not watch still looks at what it has seen a sign of.
      stop = new AbortController()
      stopping.abort()
      await Promise.all(running)
    },
  }
}
