// The few calls of Synapse's admin API that the story needs.
import type { Client } from './client.ts'

/** What Synapse says of an account. */
interface AccountFlags {
  readonly deactivated: boolean
  readonly erased: boolean
}

/** A server admin. */
export interface Admin {
  readonly client: Client
  makeAdmin(userId: string): Promise<void>
  flagsOf(userId: string): Promise<AccountFlags>
  roomsOf(userId: string): Promise<number>
  deactivate(userId: string, erase: boolean): Promise<void>
  reactivate(userId: string, password: string): Promise<void>
  /** Whether the database has everything that it will ever have: reactivation needs it. */
  isSettled(): Promise<boolean>
}

/** An admin who uses a client. */
export function createAdmin(client: Client): Admin {
  const userPath = (version: string, userId: string) =>
    `/_synapse/admin/${version}/users/${encodeURIComponent(userId)}`
  return {
    client,
    async makeAdmin(userId) {
      await client.call('PUT', `${userPath('v1', userId)}/admin`, { admin: true })
    },
    async flagsOf(userId) {
      const { deactivated, erased } = await client.call('GET', userPath('v2', userId))
      return { deactivated: deactivated === true, erased: erased === true }
    },
    async roomsOf(userId) {
      const path = `${userPath('v1', userId)}/joined_rooms`
      return Number((await client.call('GET', path))['total'])
    },
    async deactivate(userId, erase) {
      const path = `/_synapse/admin/v1/deactivate/${encodeURIComponent(userId)}`
      await client.call('POST', path, { erase })
    },
    async reactivate(userId, password) {
      await client.call('PUT', userPath('v2', userId), { deactivated: false, password })
    },
    async isSettled() {
      const path = '/_synapse/admin/v1/background_updates/status'
      const { current_updates: updates } = await client.call('GET', path)
      return Object.keys(Object(updates) as object).length === 0
    },
  }
}
