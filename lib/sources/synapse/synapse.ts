import type { ErasureSource } from '../../watch/source.ts'
import { adminApi } from './admin-api.ts'
import { adminSource } from './admin-source.ts'
import { resolveSynapseOptions, type SynapseOptions } from './synapse-options.ts'

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
  return adminSource(resolved, adminApi(resolved.url, resolved.accessToken))
}
