// A homeserver, the two bridges registered at it, and the people who use them.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { DIARY, GUESTBOOK } from './bridges/kinds.ts'
import { createTestBridge, type TestBridge } from './bridges/test-bridge.ts'
import { type Admin, createAdmin } from './homeserver/admin.ts'
import { type Client, createClient, logIn } from './homeserver/client.ts'
import { SERVER_NAME } from './homeserver/synapse-config.ts'
import type { DatabaseReader, SynapseDatabase } from './homeserver/synapse-database.ts'
import { createSynapse, type Synapse } from './homeserver/synapse.ts'
import { until } from './wait.ts'

/** Short, so that the story is. PAUSE_MS makes a middle of the purge, in which to kill it. */
const SETTINGS = {
  SETTLE_MS: '1000',
  PAUSE_MS: '200',
  SCAN_MS: '500',
  FULL_SCAN_MS: '1000',
  // A busy machine makes Synapse slow, and the next scan late.
  SCAN_PERCENT: '100',
}

/** Everything that runs in the story. */
export interface World {
  readonly synapse: Synapse
  readonly guestbook: TestBridge
  readonly diary: TestBridge
  /** How the diary sees who was erased, if not by its bot. */
  readonly reader: DatabaseReader | undefined
  /** Both of them. */
  readonly bridges: readonly TestBridge[]
  readonly admin: Admin
  /** Registers a user, and returns their client. */
  register(localpart: string): Promise<Client>
  /** Logs a user in anew. */
  logIn(userId: string): Promise<Client>
  close(): Promise<void>
}

export const passwordOf = (userId: string): string => `password of ${userId}`

/** Where to look when something went wrong. */
export interface WorldOptions {
  readonly python: string
  /** Everything is below it. */
  readonly directory: string
  readonly database: SynapseDatabase
  /** Is told of each file with log lines. */
  readonly onLog: (path: string) => void
}

/** Starts the homeserver, and registers the bridges, which do not run yet. */
export async function buildWorld(options: WorldOptions): Promise<World> {
  const { python, directory, database, onLog } = options
  const guestbook = await createTestBridge(GUESTBOOK, directory, SETTINGS)
  const { reader } = database
  const diary = await createTestBridge(DIARY, directory, {
    ...SETTINGS,
    ...(reader && { SYNAPSE_DATABASE_URL: reader.connectionString }),
  })
  const bridges = [guestbook, diary]
  const folder = join(directory, 'synapse')
  mkdirSync(folder)
  const synapse = await createSynapse(python, {
    directory: folder,
    registrations: bridges.map(({ registration }) => registration),
    database: database.config,
  })
  for (const log of [...synapse.logs, ...bridges.map(bridge => bridge.log)]) onLog(log)
  const close = async () => {
    for (const bridge of bridges) await bridge.kill()
    await synapse.close()
  }
  try {
    await synapse.start()
    const clientOf = (userId: string, token: string) =>
      createClient(synapse.url, userId, token)
    const register = async (localpart: string, isAdmin = false) => {
      const userId = `@${localpart}:${SERVER_NAME}`
      const token = await synapse.register(localpart, passwordOf(userId), isAdmin)
      return clientOf(userId, token)
    }
    const admin = createAdmin(await register('administrator', true))
    await until('Synapse has finished its database', admin.isSettled)
    return {
      ...{ synapse, guestbook, diary, reader, bridges, admin, register, close },
      logIn: async userId =>
        clientOf(userId, await logIn(synapse.url, userId, passwordOf(userId))),
    }
  } catch (error) {
    await close()
    throw error
  }
}
