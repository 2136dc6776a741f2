import type { UserId } from '../../matrix/user-id.ts'
import { serverNameOf } from '../../matrix/user-id.ts'
import type { AccountState, ErasureSource } from '../../watch/source.ts'
import { adminApi, type Limits } from './admin-api.ts'
import { readAccount } from './read-accounts.ts'
import { resolveSynapseOptions, type SynapseOptions } from './synapse-options.ts'
import { watchLists } from './watch-lists.ts'

const LOOK_LIMITS: Limits = { timeoutMs: 30_000, maxBytes: 1024 * 1024 }

/**
 * Finds out about erasures by asking Synapse's admin API, on every Synapse since 1.71 (and Tuwunel).
 * Lists the deactivated accounts every `intervalMs`, and all accounts every `fullIntervalMs`. An account
 * is erased if the homeserver says `erased: true`, whether it is deactivated, locked or a guest.
 *
 * The access token must be of a server admin. Without Matrix Authentication Service (MAS), that can be
 * the `as_token` of your registration: register the bot (`sender_localpart`), and make it an admin with
 * `PUT /_synapse/admin/v1/users/{userId}/admin` and `{"admin": true}`. With MAS, no `as_token` is an
 * admin's: make one with `mas-cli manage issue-compatibility-token USER
 * --yes-i-want-to-grant-synapse-admin-privileges`. Either token can do everything on the homeserver:
 * keep it in a file (`{ file }`) that only the bridge can read.
 *
 * If the homeserver is away, refuses the token or answers with anything unexpected, nobody is erased;
 * `status` says so, and the source asks again until it works.
 *
 * @throws TypeError naming the option that is missing, unknown or of the wrong kind
 * @see https://element-hq.github.io/synapse/latest/admin_api/user_admin_api.html
 */
export function synapse(options: SynapseOptions): ErasureSource {
  const resolved = resolveSynapseOptions(options)
  const api = adminApi(resolved.url, resolved.accessToken)
  const running = new Set<Promise<unknown>>()
  let stop = new AbortController()

  function run<Result>(work: Promise<Result>): Promise<Result> {
    const settled = work.catch(() => {}).finally(() => running.delete(settled))
    running.add(settled)
    return work
  }

  async function look(userId: UserId, signal: AbortSignal): Promise<AccountState> {
    if (serverNameOf(userId) !== resolved.serverName) return 'unknown'
    const path = `_synapse/admin/v2/users/${encodeURIComponent(userId)}`
    const reply = await api.get(path, LOOK_LIMITS, AbortSignal.any([signal, stop.signal]))
    return readAccount(reply, userId)
  }

  return {
    name: resolved.name,
    rules: resolved.rules,
    async start(sink) {
      stop = new AbortController()
      const signal = AbortSignal.any([sink.signal, stop.signal])
      void run(watchLists({ api, options: resolved, sink, signal }))
    },
    look: (userId, signal) => run(look(userId, signal)),
    async close() {
      stop.abort()
      await Promise.all(running)
    },
  }
}
